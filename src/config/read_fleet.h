#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/document_reader.h"
#include "config/fleet_config.h"

namespace relaypipe {

/// Reads `[fleet]`. What is wrong with it is reported, a second one as well.
void read_fleet(const Section& top, const DocumentEntry& entry, std::optional<FleetConfig>& fleet);

/// `redis://HOST[:PORT][/DATABASE]`, `rediss://...` or `unix:/PATH`. The error is a phrase that does not quote the
/// text, which may hold a password where somebody wrote one.
Result<StoreAddress, std::string> parse_store_url(std::string_view text);

/// `share`, `closed` or `open`: the value of `when_away`.
std::string_view when_away_name(WhenAway when);

/// What the limits of all relays are told of a fleet: nothing where there is none.
std::optional<WhenAway> when_away(const std::optional<FleetConfig>& fleet);

}  // namespace relaypipe
