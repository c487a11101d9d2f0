#pragma once

#include <optional>
#include <string_view>

#include "http/json_members.h"
#include "oauth/token_answer.h"

namespace relaypipe {

/// Reads what an interface answers; a ReadJson (http/json_members.h). Octets that are no UTF-8 and escapes of half a
/// character become U+FFFD, since the refusal around them has to be understood all the same.
std::optional<JsonMembers> read_json(std::string_view text);

/// The members of a JSON object whose values are texts or numbers, at its top level. Nothing where the text is no JSON
/// object as a whole.
std::optional<AnswerFields> read_json_answer(std::string_view text);

}  // namespace relaypipe
