#pragma once

#include <string_view>

#include "config/settings.h"

namespace relaypipe {

/// The TLS level of a connection over which credentials go (design: promise 6). At least Verify; where a public key is
/// pinned (tls_fingerprint), at least Encrypt, since the key itself proves the relay. Only where allow_plaintext_auth
/// says so for this host does the configured level stay as it is: `yes` speaks of loopback addresses alone, a name or
/// address of that host.
TlsLevel level_for_credentials(const Settings& settings, std::string_view host, std::string_view ip);

}  // namespace relaypipe
