#include "route/tier_order.h"

#include <algorithm>
#include <bit>
#include <cassert>
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

/// -log2(value / 2^64) of a value above 0, to seven places. In integers, because it must not change either: a libm may
/// round otherwise than the last one, and would be one more library to load for every message.
double minus_log2(std::uint64_t value) {
  assert(value > 0);
  const int zeros = std::countl_zero(value);
  // The mantissa as a number from 2^31 up to 2^32; squaring it doubles its logarithm, whose next bit is the carry.
  std::uint64_t mantissa = (value << zeros) >> 32U;
  std::uint64_t fraction = 0;
  for (int bit = 0; bit < 32; ++bit) {
    mantissa *= mantissa;
    const std::uint64_t carry = mantissa >> 63U;
    fraction = (fraction << 1U) | carry;
    mantissa >>= 31U + carry;
  }
  return 1.0 + zeros - static_cast<double>(fraction) / 4294967296.0;
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
    // The hash is a number u in (0, 1); the relay with the smallest -log(u)/w comes first.
    const std::uint64_t drawn = std::max<std::uint64_t>(1, hash(relay.name, key));
    scores.push_back(relay.weight == 0 ? std::numeric_limits<double>::infinity()
                                       : minus_log2(drawn) / static_cast<double>(relay.weight));
  }
  std::vector<std::size_t> order(tier.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  return order;
}

}  // namespace relaypipe
