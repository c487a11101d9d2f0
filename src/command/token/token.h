#pragma once

#include "command/wiring/command.h"

namespace relaypipe {

/// `relaypipe token`: how the access tokens stand, a new one, or a person's consent.
extern const Command kTokenCommand;

}  // namespace relaypipe
