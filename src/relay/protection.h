#pragma once

#include <string_view>

#include "relay/destination.h"
#include "relay/settings.h"

namespace relaypipe {

/// The TLS level of a connection over which credentials go (design: promise 6). At least Verify; where a public key is
/// pinned (tls_fingerprint), at least Encrypt, since the key itself proves the relay. Only where allow_plaintext_auth
/// says so for this host does the configured level stay as it is: `yes` speaks of loopback addresses alone, a name or
/// address of that host.
TlsLevel level_for_credentials(const Settings& settings, std::string_view host, std::string_view ip);

/// Whether the credentials of an account at `destination` may go to `host`, which MX or SRV lookup found for it: plain
/// DNS can be forged, and a verified certificate then proves another host. So the host has to be the destination itself
/// or lie in its domain (as with Postfix's level `secure`), or tls_name or a pinned key says whom to expect, or
/// allow_plaintext_auth names the host. A destination in brackets is its own host.
bool is_expected_host(const Destination& destination, const Settings& settings, std::string_view host);

}  // namespace relaypipe
