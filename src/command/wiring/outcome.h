#pragma once

#include <string>

#include "base/journal.h"
#include "command/wiring/state_parts.h"
#include "deliver/deliver.h"
#include "message/envelope.h"
#include "route/plan.h"

namespace relaypipe {

// What every front end does around a delivery.

/// Whether this machine's own addresses matter: a message can come back only over a relay on port 25.
bool needs_own_addresses(const RoutePlan& plan);

/// Logs the verdicts, unless that is done, and adds what the delivery has to the counters.
void record_outcome(const Envelope& envelope, const Delivered& delivered, StateParts& state, Journal& journal);

/// For a message that was not sent: a relay may have refused us for the name in EHLO. `id` begins the line.
void warn_of_names(const RoutePlan& plan, Journal& journal, const std::string& id);

}  // namespace relaypipe
