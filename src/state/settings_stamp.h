#pragma once

#include <cstdint>

#include "relay/relay.h"
#include "relay/run_settings.h"

namespace relaypipe {

/// Changes whenever somebody changes what a connection to the relay is made with: where it is, how it is protected, as
/// whom we come and from which address, by which DNS servers. What is in files counts by their names alone
/// (io/credentials/stamp.h looks at them).
std::uint64_t settings_stamp(const Relay& relay, const RunSettings& run);

}  // namespace relaypipe
