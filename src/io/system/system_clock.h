#pragma once

#include "base/clock.h"

namespace relaypipe {

/// The machine's monotonic clock, the only reader of it.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override { return std::chrono::steady_clock::now(); }
};

/// The machine's time of day.
class SystemWallClock final : public WallClock {
 public:
  [[nodiscard]] WallTime now() const override { return std::chrono::floor<Span>(std::chrono::system_clock::now()); }
};

/// Octets from the kernel's generator, the seed of everything random in a delivery.
std::uint64_t random_seed();

}  // namespace relaypipe
