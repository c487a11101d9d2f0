#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace relaypipe {

using Sha256Digest = std::array<std::uint8_t, 32>;

/// A SHA-256 digest under way (FIPS 180-4). The world computes it (io/system/sha_digest).
class Sha256 {
 public:
  virtual ~Sha256() = default;
  virtual void update(std::string_view octets) = 0;
  /// The digest of everything; to be called once.
  virtual Sha256Digest finish() = 0;
};

/// Begins one.
using MakeSha256 = std::function<std::unique_ptr<Sha256>()>;

}  // namespace relaypipe
