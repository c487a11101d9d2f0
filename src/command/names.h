#pragma once

#include "command/wiring/command.h"

namespace relaypipe {

/// `relaypipe names relays|chains|providers`: one name per line, for scripts and the completion of a shell. Of a
/// configuration with errors those that could be read.
extern const Command kNamesCommand;

}  // namespace relaypipe
