#pragma once

#include "command/wiring/command.h"

namespace relaypipe {

/// `relaypipe check`: what is wrong with the configuration and its files, without touching the network.
extern const Command kCheckCommand;

}  // namespace relaypipe
