#pragma once

#include <cstdint>
#include <functional>

namespace relaypipe {

/// A process, told from every other one that ever had its number: the pid, when it was started (field 22 of
/// /proc/PID/stat, clock ticks since boot) and which boot that was (a hash of the kernel's boot id).
struct Owner {
  std::uint32_t pid = 0;
  std::uint64_t start = 0;
  std::uint64_t boot = 0;
  bool operator==(const Owner&) const = default;
};

/// Whether a process still runs. What it holds is free when it does not, so a killed process blocks nobody.
using Alive = std::function<bool(const Owner&)>;

}  // namespace relaypipe
