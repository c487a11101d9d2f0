#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "relay/limits.h"

namespace relaypipe {

/// Reads `14/s`, `10000 recipients/24h`, `500/day Europe/Berlin`: a number, what is counted (default: messages), and
/// over which time: a span that rolls (`s` is `1s`), or the clock's hour, day, week or month, in a time zone where one
/// is named. The error says what is wrong and which form is right. Whether the zone exists is the machine's to tell.
Result<LimitRule, std::string> parse_limit(std::string_view text);

}  // namespace relaypipe
