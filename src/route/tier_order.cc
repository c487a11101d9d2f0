#include "route/tier_order.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace relaypipe {
namespace {

/// FNV-1a, then one round of Random to spread neighbouring names apart. It must never change: senders would move.
std::uint64_t hash(std::string_view relay, std::string_view key) {
  std::uint64_t value = 0xCBF29CE484222325U;
  const auto mix = [&](std::string_view text) {
    for (const char c : text)
      value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  };
  mix(relay);
  mix(std::string_view("\0", 1));
  mix(key);
  return Random(value).next();
}

}  // namespace

std::vector<std::size_t> order_by_weight(const std::vector<Weighted>& tier, Random random) {
  std::vector<std::size_t> rest(tier.size());
  std::iota(rest.begin(), rest.end(), std::size_t{0});
  std::vector<std::size_t> order;
  while (!rest.empty()) {
    std::uint64_t sum = 0;
    for (const std::size_t i : rest)
      sum += tier[i].weight;
    auto chosen = rest.begin();
    if (sum == 0) {
      // Only weights of 0 are left: they share what remains evenly.
      chosen += static_cast<std::ptrdiff_t>(random.below(rest.size()));
    } else {
      std::uint64_t draw = random.below(sum);
      while (draw >= tier[*chosen].weight)
        draw -= tier[*chosen++].weight;
    }
    order.push_back(*chosen);
    rest.erase(chosen);
  }
  return order;
}

std::vector<std::size_t> order_by_key(const std::vector<Weighted>& tier, std::string_view key) {
  std::vector<double> scores;
  for (const Weighted& relay : tier) {
    // A number in (0, 1]; the relay with the smallest -ln(u)/w comes first.
    const double u = (static_cast<double>(hash(relay.name, key) >> 11U) + 1.0) / 9007199254740992.0;
    scores.push_back(relay.weight == 0 ? std::numeric_limits<double>::infinity()
                                       : -std::log(u) / static_cast<double>(relay.weight));
  }
  std::vector<std::size_t> order(tier.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  return order;
}

}  // namespace relaypipe
