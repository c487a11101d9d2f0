#pragma once

#include <optional>
#include <string_view>

#include "base/deadline.h"
#include "base/wall_time.h"

namespace relaypipe {

/// The time that begins a text: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7; also UTC and +0000), or
/// `2026-09-11T20:00:00.123Z` (RFC 3339, UTC).
std::optional<WallTime> parse_time(std::string_view text);

/// For how long an answer asks to be left alone: by the value of Retry-After, seconds or a time, else by "again after"
/// or "retry after" and a time in its words. Nothing where it does not ask, where the time has passed, or where it is
/// more than a week away, which is no answer to a request.
std::optional<Duration> asked_wait(std::string_view retry_after, std::string_view words, WallTime now);

}  // namespace relaypipe
