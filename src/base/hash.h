#pragma once

#include <cstdint>
#include <string_view>

namespace relaypipe {

/// FNV-1a, 64 bits: tells texts apart, or damaged octets from whole ones. Not against somebody who chooses them.
/// `seed` is the hash of what came before.
constexpr std::uint64_t hash_octets(std::string_view octets, std::uint64_t seed = 0xCBF29CE484222325U) {
  for (const char c : octets)
    seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return seed;
}

}  // namespace relaypipe
