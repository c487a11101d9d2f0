#pragma once

#include "command/wiring/command.h"

namespace relaypipe {

/// `relaypipe doctor`: what is wrong with the way Postfix is set up for relaypipe, and the command that puts it right.
/// Changes nothing without `--fix`. Where Postfix cannot be looked at the exit status is 2.
extern const Command kDoctorCommand;

}  // namespace relaypipe
