#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "message/envelope.h"
#include "relay/relay.h"
#include "state/health_event.h"
#include "verdict/classify.h"

namespace relaypipe {

/// What an attempt that began at `began` says of the health of its relay, without stamps. Our own trouble, and what was
/// said of the message or a recipient, say nothing: such an event is Ended.
HealthEvent health_event(const ClassifiedAttempt& classified, const Relay& relay, const Envelope& envelope,
                         WallTime began);

/// The domains of the recipients that were refused, each once, in lower case.
std::vector<std::string> refused_domains(const Attempt& attempt, const Envelope& envelope);

/// How many recipients an attempt delivered to; by hand there may be none, which counts as one.
std::uint64_t recipients_accepted(const HealthEvent& event, const Attempt& attempt, const Envelope& envelope);

/// The same failure as one domain's: `event` speaks of the relay only when several domains were refused so.
HealthEvent of_domain(HealthEvent event, const std::string& domain);

}  // namespace relaypipe
