#pragma once

#include <cstdint>

#include "relay/account.h"
#include "relay/relay.h"
#include "relay/run_settings.h"

namespace relaypipe {

/// Changes whenever somebody changes the credentials of an account: made of the inode, the size and the times of the
/// files they come from, never of what is in them. What a command prints is not known without running it, so only the
/// command itself counts.
std::uint64_t account_stamp(const AccountConfig& account);

/// Changes whenever somebody changes what a relay is talked to with, in its settings or the run's, or in the files with
/// the authorities and the certificate for TLS.
std::uint64_t relay_stamp(const Relay& relay, const RunSettings& run);

}  // namespace relaypipe
