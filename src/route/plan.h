#pragma once

#include <string>
#include <vector>

#include "config/destination.h"
#include "config/settings.h"
#include "message/envelope.h"
#include "route/relay.h"

namespace relaypipe {

/// One entry of a route plan.
struct Leg {
  Relay relay;
  std::string reason;     ///< why it stands where it stands, e.g. "destination 2 of the list"
  bool fallback = false;  ///< a relay of last resort: not for domains this host is an MX of
};

/// The ordered relays for one message.
struct RoutePlan {
  std::vector<Leg> legs;
};

/// The plan for a nexthop that is a list: its destinations in their order.
RoutePlan plan_list(const std::vector<Destination>& destinations, const Settings& settings, const Envelope& envelope);

}  // namespace relaypipe
