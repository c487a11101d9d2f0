#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/wall_time.h"
#include "relay/limits.h"

namespace relaypipe {

/// How far a time zone (an IANA name, "UTC", or empty for the machine's own) is ahead of UTC at some time. The data of
/// time zones belong to the machine, so this comes in from io/.
using ZoneOffset = std::function<std::chrono::seconds(const std::string& zone, WallTime at)>;

/// The number of the hour, day, week or month that `at` belongs to; it grows by one from each to the next. An hour that
/// comes twice when clocks go back is two hours; a day then has 25 of them, or 23 when they go forward.
std::int64_t period_index(Period period, const std::string& zone, WallTime at, const ZoneOffset& offset);

/// When that hour, day, week or month ends.
WallTime period_end(Period period, const std::string& zone, WallTime at, const ZoneOffset& offset);

}  // namespace relaypipe
