#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "route/endpoint_lookup.h"
#include "smtp/reply.h"
#include "smtp/stage.h"

namespace relaypipe {

/// What a TLS handshake showed, as far as it came.
struct TlsReport {
  std::string version;  ///< as OpenSSL writes it, `TLSv1.3`; empty where the handshake did not end
  std::string cipher;
  std::vector<std::string> names;  ///< DNS names of the certificate, or its common name; empty where none was seen
  std::string issuer;
  std::int64_t not_after = 0;  ///< the certificate's end, seconds since 1970
  std::string fingerprint;     ///< of its public key, as tls_fingerprint writes it
};

/// The dialogue for a person who watches (`-v`); secrets are masked before they get here.
class Trace {
 public:
  virtual ~Trace() = default;
  enum class Direction { Sent, Received, Note };
  virtual void dialogue(const Peer& peer, Direction direction, std::string_view line) = 0;
  /// An attempt has come to another stage; Connect begins it.
  virtual void reached(const Peer&, Stage) {}
  /// Its TLS handshake has ended, well or not.
  virtual void secured(const Peer&, const TlsReport&) {}
  /// A whole reply has come while a session is opened, as a value for a report. The attempt stands at Greeting after
  /// the greeting, at Ehlo after the reply to EHLO or HELO, and so on.
  virtual void replied(const Peer&, Stage, const Reply&) {}
};

}  // namespace relaypipe
