#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace relaypipe {

/// One relay of a tier.
struct Weighted {
  std::string name;
  std::uint64_t weight = 1;  ///< 0: only after all others
};

/// An order of the tier, drawn so that the first place falls to each relay in proportion to its weight, the second
/// likewise among the rest, and so on.
std::vector<std::size_t> order_by_weight(const std::vector<Weighted>& tier, Random random);

/// The order of the tier for one key (a sender): always the same, over all keys in proportion to the weights, and
/// unchanged among the others when a relay comes or goes (weighted rendezvous hashing: Thaler and Ravishankar; the
/// logarithm form by Schindelhauer and Schomaker).
std::vector<std::size_t> order_by_key(const std::vector<Weighted>& tier, std::string_view key);

}  // namespace relaypipe
