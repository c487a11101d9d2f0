#pragma once

#include <chrono>

#include "base/deadline.h"
#include "base/wall_time.h"

namespace relaypipe {

/// The monotonic clock.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const = 0;
};

/// The time of day. It may be wrong and may jump; only what has to hold for other processes too is measured with it:
/// tokens, and what deliveries remember.
class WallClock {
 public:
  virtual ~WallClock() = default;
  [[nodiscard]] virtual WallTime now() const = 0;
  /// In whole seconds, as the times of tokens are.
  [[nodiscard]] std::chrono::sys_seconds seconds() const { return std::chrono::floor<std::chrono::seconds>(now()); }
};

}  // namespace relaypipe
