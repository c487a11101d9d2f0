#pragma once

#include <string_view>

#include "config/configuration.h"
#include "config/document_reader.h"

namespace relaypipe {

/// Whether a key of `[relay.NAME]` is one of HttpsSettings.
bool is_https_key(std::string_view key);

/// Takes one such key.
void read_https_key(const Section& section, const DocumentEntry& entry, RelayConfig& relay);

/// Judges a relay with `https:` once its table is read, and completes it: the provider and the region that its host
/// tells, the host that its provider has, a verified certificate, the size that the interface takes. A provider without
/// such an interface, a key that its interface needs and has not, and keys that mean nothing over HTTPS are errors. To
/// be called before complete_account().
void complete_https(const Section& section, const DocumentTable& table, RelayConfig& relay);

/// What is wrong with `https:` in a list of destinations, where there is no account for it.
std::string_view https_in_list_problem();

}  // namespace relaypipe
