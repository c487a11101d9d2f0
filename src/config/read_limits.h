#pragma once

#include <string_view>

#include "config/configuration.h"
#include "config/document_reader.h"

namespace relaypipe {

/// `rate`, `quota`, `connections` and `reserve` of a `[relay.NAME]`.
bool is_limit_key(std::string_view key);

/// Reads one of them.
void read_limit_key(const Section& section, const DocumentEntry& entry, RelayConfig& relay);

/// Once the table is read: what the relay's provider publishes holds where the table has no such key, and a reserve
/// needs a quota.
void complete_limits(const Section& section, const DocumentTable& table, RelayConfig& relay);

/// The published ceilings of a provider; none where there is no such provider.
Limits provider_limits(std::string_view provider);

}  // namespace relaypipe
