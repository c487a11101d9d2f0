#pragma once

#include "command/wiring/command.h"

namespace relaypipe {

/// `relaypipe providers`: the providers that are known, and what each brings.
extern const Command kProvidersCommand;

}  // namespace relaypipe
