#pragma once

#include <string_view>

#include "base/sha256.h"

namespace relaypipe {

/// The SHA-256 digest of octets.
Sha256Digest sha256(const MakeSha256& make, std::string_view octets);

/// HMAC-SHA256 (RFC 2104).
Sha256Digest hmac_sha256(const MakeSha256& make, std::string_view key, std::string_view text);

/// A digest as the octets it is, to be the key of another one.
inline std::string_view octets_of(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace relaypipe
