#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "route/health.h"
#include "route/quota.h"

namespace relaypipe {

/// All that is remembered of a relay; of an endpoint only its health.
struct RelayState {
  Health health;
  Allowance allowance;
};

/// The octets of a record. They begin with the version of their form, so that a later program can tell.
std::string pack(const RelayState& state);

/// Reads them back; nothing where they are of another version or make no sense: unreadable counts as absent.
std::optional<RelayState> unpack(std::string_view octets);

/// Until when a record is of use: after that it says nothing that an absent one does not say.
WallTime useful_until(const RelayState& state, WallTime now);

/// The keys of records. A name that is too long for a key is cut, and told from others by its hash.
std::string relay_key(std::string_view relay);
std::string endpoint_key(std::string_view relay, std::string_view address);

}  // namespace relaypipe
