#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command/wiring/command.h"

namespace relaypipe {

/// Text that was asked for instead of a delivery, and nothing else was: `--help` or `--version` as the only argument.
/// In any other place they are usage errors, because their exit status 0 would tell Postfix that the message is
/// delivered.
std::optional<std::string> information(const std::vector<std::string>& words);

/// What `relaypipe --help` prints: the options of a delivery, the commands, the settings.
std::string help_text();

/// `relaypipe help`, `relaypipe help COMMAND`.
extern const Command kHelpCommand;

}  // namespace relaypipe
