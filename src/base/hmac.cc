#include "base/hmac.h"

#include <array>

namespace relaypipe {

Sha256Digest sha256(const MakeSha256& make, std::string_view octets) {
  const auto digest = make();
  digest->update(octets);
  return digest->finish();
}

Sha256Digest hmac_sha256(const MakeSha256& make, std::string_view key, std::string_view text) {
  constexpr std::size_t kBlock = 64;
  constexpr unsigned char kInner = 0x36;
  constexpr unsigned char kOuter = 0x5C;
  const Sha256Digest short_key = key.size() > kBlock ? sha256(make, key) : Sha256Digest{};
  if (key.size() > kBlock) key = octets_of(short_key);
  const auto padded = [&](unsigned char pad) {
    std::array<char, kBlock> block{};
    for (std::size_t i = 0; i < kBlock; ++i)
      block[i] = static_cast<char>((i < key.size() ? static_cast<unsigned char>(key[i]) : 0U) ^ pad);
    return block;
  };
  const auto digest = [&](unsigned char pad, std::string_view octets) {
    const auto block = padded(pad);
    const auto hash = make();
    hash->update({block.data(), block.size()});
    hash->update(octets);
    return hash->finish();
  };
  const Sha256Digest inner = digest(kInner, text);
  return digest(kOuter, octets_of(inner));
}

}  // namespace relaypipe
