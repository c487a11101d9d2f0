#pragma once

#include <algorithm>
#include <chrono>

namespace relaypipe {

/// A point on the monotonic clock. Pure code gets it as an argument; only io/system/system_clock reads it.
using Instant = std::chrono::steady_clock::time_point;
/// A span of monotonic time.
using Duration = std::chrono::steady_clock::duration;

/// The end of the whole run. Every step takes the smaller of its own limit and what is left, so that no sum of steps
/// can outlive it: pipe(8) kills *and bounces* what outlives its own limit (pipe(8), `transport_time_limit`).
class Deadline {
 public:
  explicit Deadline(Instant end) : end_(end) {}

  [[nodiscard]] Instant end() const { return end_; }
  [[nodiscard]] bool passed(Instant now) const { return now >= end_; }

  /// When a step that begins now and may take `limit` has to end.
  [[nodiscard]] Instant step(Instant now, Duration limit) const {
    const Duration left = end_ - now;
    return limit < left ? now + limit : end_;
  }

 private:
  Instant end_;
};

}  // namespace relaypipe
