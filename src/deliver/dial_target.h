#pragma once

#include "deliver/session.h"
#include "relay/relay.h"
#include "route/endpoint_lookup.h"

namespace relaypipe {

/// How one endpoint of a relay is dialled, by the relay's settings. `handshake_failed`: the connection before broke in
/// the TLS handshake.
DialTarget dial_target(const Relay& relay, const Endpoint& endpoint, bool handshake_failed = false);

/// A relay that no address was chosen of.
Peer unresolved(const Relay& relay);

}  // namespace relaypipe
