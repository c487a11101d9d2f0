#pragma once

#include "command/wiring/command.h"

namespace relaypipe {

/// `relaypipe plan`: the relays for one message in their order, and the reasons. Sends nothing; with `--resolve` it
/// asks DNS.
extern const Command kPlanCommand;

}  // namespace relaypipe
