#pragma once

#include "deliver/interfaces.h"
#include "route/reach.h"
#include "route/relay.h"

namespace relaypipe {

/// How one endpoint of a relay is dialled, by the relay's settings.
DialTarget dial_target(const Relay& relay, const Endpoint& endpoint);

}  // namespace relaypipe
