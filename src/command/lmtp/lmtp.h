#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command/wiring/command.h"

namespace relaypipe {

/// `relaypipe lmtp`: the front end for lmtp(8), as a service of spawn(8): message after message over one connection on
/// standard input and output, with a result for each recipient.
extern const Command kLmtpCommand;

/// Which of the words after `lmtp` it does not understand, and why; nothing where it does.
std::optional<std::string> lmtp_argv_mistake(const std::vector<std::string>& words);

}  // namespace relaypipe
