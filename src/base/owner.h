#pragma once

#include <cstdint>
#include <functional>

namespace relaypipe {

/// A process that took something, by a random number of 62 bits that no other process has. Nobody: zero. The number is
/// no process id, since a process cannot be told by that in another namespace, after a reboot, or where /proc is hidden.
struct Owner {
  std::uint64_t token = 0;
  bool operator==(const Owner&) const = default;
};

/// Whether a process still runs. What it holds is free when it does not, so a killed process blocks nobody.
using Alive = std::function<bool(const Owner&)>;

}  // namespace relaypipe
