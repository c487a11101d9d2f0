#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state/health.h"
#include "state/quota.h"

namespace relaypipe {

/// One address and port of a relay.
struct EndpointState {
  std::string address;  ///< `192.0.2.1:587`
  Health health;
};

inline constexpr std::size_t kEndpoints = 16;  ///< remembered of one relay, those that changed last

/// All that is remembered of a relay. Its endpoints stand in the same record, so that one read tells everything.
struct RelayState {
  Health health;
  Allowance allowance;
  std::vector<EndpointState> endpoints;  ///< only those that once failed while the relay had others
};

/// Brings all of it but its endpoints to `now`, gives back what dead processes held, and returns the time to go on
/// with, as settle() does with each part.
WallTime settle(RelayState& state, const Limits& limits, WallTime now, const ZoneOffset& zones, const Alive& alive);

/// The octets of a record. They begin with the version of their form, so that a later program can tell.
std::string pack(const RelayState& state);

/// Reads them back; nothing where they are of another version or make no sense: unreadable counts as absent.
std::optional<RelayState> unpack(std::string_view octets);

/// Until when a record is of use: after that it says nothing that an absent one does not say.
WallTime useful_until(const RelayState& state, WallTime now);

/// The state of an endpoint, made where there is none; the one that changed longest ago gives it its place.
Health& endpoint_health(RelayState& state, std::string_view address);

inline constexpr std::string_view kRelayKeys = "relay/";  ///< what the keys of relays begin with

/// The key of a relay's record. A name that is too long for a key is cut, and told from others by its hash.
std::string relay_key(std::string_view relay);
/// The key of what is remembered of a relay with one sender: a RelayState of which only the health is used.
std::string sender_key(std::string_view relay, std::string_view sender);
/// The same of a relay with one domain of recipients, in lower case.
std::string domain_key(std::string_view relay, std::string_view domain);

}  // namespace relaypipe
