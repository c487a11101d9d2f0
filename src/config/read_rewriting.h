#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "config/configuration.h"
#include "config/document.h"
#include "config/document_reader.h"

namespace relaypipe {

/// Whether the key is `envelope_sender` or `header_from`.
bool is_rewriting_key(std::string_view key);

/// Reads one of these keys of a relay: an address, `@domain`, or a table of patterns with one of the two for each.
void read_rewriting_key(const Section& section, const DocumentEntry& entry, RelayConfig& relay);

/// Warnings of rewriting that can change nothing: of addresses that the `senders` of the relay leave out, and into
/// themselves.
void find_idle_rewriting(const Configuration& configuration, std::span<const Document> documents,
                         std::vector<ConfigProblem>& problems);

}  // namespace relaypipe
