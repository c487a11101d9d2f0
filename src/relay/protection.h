#pragma once

#include <string_view>

#include "relay/destination.h"
#include "relay/relay_settings.h"

namespace relaypipe {

/// What a connection to a relay is for, as far as its protection depends on that.
struct ConnectionUse {
  std::string_view host;          ///< as the relay is called there
  std::string_view ip;            ///< empty: not known yet
  bool credentials = false;       ///< they go over it
  bool handshake_failed = false;  ///< the connection before it broke in the TLS handshake
};

/// The TLS level of a connection: what `tls` says, and
///
/// - always Verify over HTTPS, and at least Encrypt where TLS begins with the connection;
/// - where credentials go over it (design: promise 6) at least Verify, or with a pinned public key (tls_fingerprint) at
///   least Encrypt, since the key itself proves the relay. Only where allow_plaintext_auth says so for this host is
///   that no condition: `yes` speaks of loopback addresses alone, a name or address of that host;
/// - without credentials None, once, where the level is only May and the handshake failed.
TlsLevel tls_policy(const Destination& destination, const RelaySettings& settings, const ConnectionUse& use);

/// Whether the credentials of an account at `destination` may go to `host`, which MX or SRV lookup found for it: plain
/// DNS can be forged, and a verified certificate then proves another host. So the host has to be the destination itself
/// or lie in its domain (as with Postfix's level `secure`), or tls_name or a pinned key says whom to expect, or
/// allow_plaintext_auth names the host. A destination in brackets is its own host.
bool is_expected_host(const Destination& destination, const RelaySettings& settings, std::string_view host);

}  // namespace relaypipe
