#pragma once

#include "command/wiring/command.h"

namespace relaypipe {

/// `relaypipe lmtp`: the front end for lmtp(8), as a service of spawn(8): message after message over one connection on
/// standard input and output, with a result for each recipient.
extern const Command kLmtpCommand;

}  // namespace relaypipe
