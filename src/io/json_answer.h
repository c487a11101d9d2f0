#pragma once

#include <optional>
#include <string_view>

#include "oauth/token_answer.h"

namespace relaypipe {

/// The members of a JSON object whose values are texts or numbers, at its top level. Nothing where the text is no JSON
/// object as a whole.
std::optional<AnswerFields> read_json_answer(std::string_view text);

}  // namespace relaypipe
