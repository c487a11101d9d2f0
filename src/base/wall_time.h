#pragma once

#include <chrono>
#include <cstdint>

#include "base/deadline.h"

namespace relaypipe {

/// A span of wall-clock time, in whole milliseconds: what is shared by processes and outlives a reboot.
using Span = std::chrono::milliseconds;
/// A point on the wall clock (UTC). Pure code gets it as an argument; only io/system_clock reads it. The epoch itself
/// stands for "never".
using WallTime = std::chrono::time_point<std::chrono::system_clock, Span>;

inline constexpr WallTime kNever{};

/// A monotonic span as one of the wall clock.
inline Span to_span(Duration duration) { return std::chrono::duration_cast<Span>(duration); }

/// How far a stamp may lie ahead of the clock before the clock counts as set back. Below it the difference is only that
/// another process read the clock later and wrote earlier.
inline constexpr Span kClockSlack = std::chrono::seconds(10);

}  // namespace relaypipe
