#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/wall_time.h"
#include "http/api_outcome.h"

namespace relaypipe {

/// Reads what an HTTPS interface answered: HTTP's status, and the text behind it, either as the log has it
/// (`TooManyRequestsException: Maximum sending rate exceeded.`) or the body as the provider sends it (JSON). `provider`
/// may be empty. The error is a sentence.
Result<ApiRefusal, std::string> read_refusal(std::string_view status, std::string_view text, std::string_view provider,
                                             WallTime now);

}  // namespace relaypipe
