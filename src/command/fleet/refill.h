#pragma once

#include "command/wiring/command.h"

namespace relaypipe {

/// `relaypipe refill RELAY...`: asks the fleet's store. Deliveries start it.
extern const Command kRefillCommand;

}  // namespace relaypipe
