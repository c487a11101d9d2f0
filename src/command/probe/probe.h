#pragma once

#include "command/wiring/command.h"

namespace relaypipe {

/// `relaypipe probe`: opens a session to every address of the relays and says what it found; sends no mail.
extern const Command kProbeCommand;

}  // namespace relaypipe
