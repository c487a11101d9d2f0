#pragma once

#include <cstdint>

#include "relay/account.h"
#include "relay/relay_settings.h"

namespace relaypipe {

/// Changes whenever somebody changes the credentials of an account: made of the inode, the size and the times of the
/// files they come from, never of what is in them. What a command prints is not known without running it, so only the
/// command itself counts.
std::uint64_t account_stamp(const AccountConfig& account);

/// The same of the authorities and the certificate that TLS is spoken with, added to `stamp`.
std::uint64_t tls_files_stamp(const TlsSettings& tls, std::uint64_t stamp);

}  // namespace relaypipe
