#pragma once

#include <optional>
#include <string>

#include "base/wall_time.h"

namespace relaypipe {

/// How a ready session is protected, and as whom it is authenticated: what an administrator wants to read in the log.
/// The texts hold no secret; those that come from the configuration or the relay may need printable().
struct SessionFacts {
  /// What is known of the peer's certificate; the words are smtp(8)'s (`Verified TLS connection established …`).
  enum class TlsTrust {
    None,      ///< clear text
    Unproved,  ///< encrypted; who the peer is was not looked at
    Pinned,    ///< its public key is one of tls_fingerprint
    Verified,  ///< a trusted authority says that it is the host we meant
  };

  std::string tls_version;  ///< as OpenSSL writes it, `TLSv1.3`; empty in clear text
  std::string tls_cipher;   ///< `TLS_AES_256_GCM_SHA384`
  int tls_bits = 0;         ///< secret bits of the cipher
  TlsTrust tls_trust = TlsTrust::None;
  std::optional<WallTime> certificate_end = {};  ///< of the relay's certificate; nothing in clear text
  /// Why the session is in clear text although TLS was welcome (`tls = may`), as a phrase: "STARTTLS is not offered".
  /// Empty with TLS, and where the configuration wants none.
  std::string clear_reason;
  std::string sasl_mechanism;  ///< `PLAIN`; empty without AUTH
  std::string sasl_username;   ///< the account that was used
};

}  // namespace relaypipe
