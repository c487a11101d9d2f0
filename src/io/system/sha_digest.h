#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/sha256.h"

namespace relaypipe {

/// SHA-256 in base64url without padding, as PKCE wants it (RFC 7636 section 4.2).
std::string sha256_base64url(std::string_view text);

/// Begins a SHA-256 digest of octets that come in pieces.
std::unique_ptr<Sha256> make_sha256();

/// That many octets of the kernel's randomness, in base64url. For secrets: it waits for entropy, and throws where there
/// is none to be had.
std::string random_base64url(std::size_t octets);

}  // namespace relaypipe
