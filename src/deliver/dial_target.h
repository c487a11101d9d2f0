#pragma once

#include "deliver/session.h"
#include "relay/relay.h"
#include "route/endpoint_lookup.h"

namespace relaypipe {

/// How one endpoint of a relay is dialled, by the relay's settings.
DialTarget dial_target(const Relay& relay, const Endpoint& endpoint);

/// A relay that no address was chosen of.
Peer unresolved(const Relay& relay);

}  // namespace relaypipe
