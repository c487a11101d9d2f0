#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/result.h"

namespace relaypipe {

/// Reads a span of time with its unit: `500ms`, `2s`, `15m`, `1h`, `2d`, also joined as in `1h30m`. A bare number other
/// than 0 is an error, because nobody can tell what it means. Negative and over ten years are errors. The error text
/// says what is allowed.
Result<Duration, std::string> parse_duration(std::string_view text);
/// The shortest text that parse_duration reads back as the same span, e.g. `15m`; spans are whole milliseconds.
std::string format_duration(Duration span);

/// Reads a number of octets: `1048576`, `512k`, `10M`, `2G` (powers of 1024; `KiB`, `MiB`, `GiB` too).
Result<std::uint64_t, std::string> parse_octets(std::string_view text);

/// Reads a whole number from `low` to `high`.
Result<std::uint64_t, std::string> parse_count(std::string_view text, std::uint64_t low, std::uint64_t high);

}  // namespace relaypipe
