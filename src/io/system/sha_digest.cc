#include "io/system/sha_digest.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace relaypipe {
namespace {

template <class Octets>
std::string base64url(const Octets& octets) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  unsigned held = 0;
  unsigned bits = 0;
  for (const unsigned char octet : octets) {
    held = held << 8U | octet;
    for (bits += 8; bits >= 6; bits -= 6)
      text += digits[held >> (bits - 6) & 0x3FU];
  }
  if (bits > 0) text += digits[held << (6 - bits) & 0x3FU];
  return text;
}

class OpensslSha256 final : public Sha256 {
 public:
  OpensslSha256() : context_(EVP_MD_CTX_new()) {
    check(context_ ? EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) : 0);
  }
  void update(std::string_view octets) override {
    check(EVP_DigestUpdate(context_.get(), octets.data(), octets.size()));
  }
  Sha256Digest finish() override {
    Sha256Digest digest{};
    check(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
    return digest;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };

  /// A digest fails where there is no memory, or no SHA-256 in this OpenSSL.
  static void check(int fine) {
    if (fine != 1) throw std::runtime_error("OpenSSL computes no SHA-256");
  }

  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace

std::unique_ptr<Sha256> make_sha256() { return std::make_unique<OpensslSha256>(); }

std::string sha256_base64url(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return base64url(digest);
}

std::string random_base64url(std::size_t octets) {
  std::vector<unsigned char> drawn(octets);
  for (std::size_t filled = 0; filled < octets;) {
    const ssize_t got = ::getrandom(drawn.data() + filled, octets - filled, 0);
    if (got > 0) filled += static_cast<std::size_t>(got);
    if (got < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  return base64url(drawn);
}

}  // namespace relaypipe
