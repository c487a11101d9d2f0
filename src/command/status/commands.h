#pragma once

#include "command/wiring/command.h"

namespace relaypipe {

// What deliveries remember, for people.

/// `relaypipe status`: one screen, or for programs.
extern const Command kStatusCommand;
/// `relaypipe log`: the last changes.
extern const Command kLogCommand;
/// `relaypipe suspend RELAY`: no delivery uses it until then.
extern const Command kSuspendCommand;
/// `relaypipe resume RELAY`.
extern const Command kResumeCommand;
/// `relaypipe reset RELAY`: its health is forgotten.
extern const Command kResetCommand;

}  // namespace relaypipe
