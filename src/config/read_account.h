#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "config/configuration.h"
#include "config/document_reader.h"

namespace relaypipe {

/// Whether a key of `[relay.NAME]` speaks of its account.
bool is_account_key(std::string_view key);

/// Takes one such key into the account of the relay.
void read_account_key(const Section& section, const DocumentEntry& entry, RelayConfig& relay);

/// Judges what was read, and completes it: the password map that holds for the relay, the OAuth2 endpoints its provider
/// is known to have, and the TLS level that credentials need. Two sources of the secret, a username without any or the
/// other way round, and a TLS level written beside an account that does not protect it are errors.
void complete_account(const Section& section, const DocumentTable& table, RelayConfig& relay);

/// Two relays whose accounts depend on the sender, out of one map: each would be offered the other's accounts.
void find_shared_maps(const Configuration& configuration, std::span<const Document> documents,
                      std::vector<ConfigProblem>& problems);

}  // namespace relaypipe
