#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/deadline.h"

namespace relaypipe {

/// A span of wall-clock time, in whole milliseconds: what is shared by processes and outlives a reboot.
using Span = std::chrono::milliseconds;
/// A point on the wall clock (UTC). Pure code gets it as an argument; only io/system/system_clock reads it. The epoch
/// itself stands for "never".
using WallTime = std::chrono::time_point<std::chrono::system_clock, Span>;

inline constexpr WallTime kNever{};

/// A monotonic span as one of the wall clock.
inline Span to_span(Duration duration) { return std::chrono::duration_cast<Span>(duration); }

/// How far a stamp may lie ahead of the clock before the clock counts as set back. Below it the difference is only that
/// another process read the clock later and wrote earlier.
inline constexpr Span kClockSlack = std::chrono::seconds(10);

/// For a person, in whole seconds: `2026-11-27 12:03:04 UTC`; `further notice` for a time no clock will show soon.
std::string time_text(WallTime time);

/// Stands for "until somebody changes it".
inline constexpr WallTime kFarFuture{std::chrono::duration_cast<Span>(std::chrono::days(365 * 400))};

}  // namespace relaypipe
