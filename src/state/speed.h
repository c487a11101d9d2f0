#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/wall_time.h"

namespace relaypipe {

struct Health;

/// A moving average of milliseconds, each sample an eighth of it (as TCP's smoothed round-trip time, RFC 6298).
struct Average {
  double value = 0;
  std::uint32_t samples = 0;

  void add(Duration sample);
};

/// From dialling to acceptance, on average; nothing while too few are known or they are old.
std::optional<Span> average_time(const Health& health, WallTime now);

/// Whether this relay is so much slower than the best of its tier's others that it gives up its place to them: by
/// `factor`, and by more than half a second. Old averages do not count, so that it gets a new chance.
bool much_slower(const Health& health, std::span<const Health* const> others, double factor, WallTime now);

}  // namespace relaypipe
