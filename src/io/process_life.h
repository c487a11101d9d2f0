#pragma once

#include <cstdint>

#include "base/owner.h"

namespace relaypipe {

/// Tells processes apart and whether they still run, from /proc.
class ProcessLife {
 public:
  /// This process. Nobody where /proc does not tell; then what it takes is nobody's, and free at once.
  [[nodiscard]] Owner self();
  /// Whether that very process runs; one of another boot, and one that is dead but not yet waited for, do not.
  [[nodiscard]] bool alive(const Owner& owner);

 private:
  std::uint64_t boot();

  std::uint64_t boot_ = 0;
};

}  // namespace relaypipe
