#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "command/wiring/command.h"

namespace relaypipe {

/// All commands, in the order in which `--help` lists them.
std::span<const Command* const> commands();

/// The command of that name, or nullptr: then it is a delivery.
const Command* find_command(std::string_view name);

/// The sentence that there is no command of that name, with the one that may be meant.
std::string no_command(std::string_view name);

/// What to say of a command line that begins with a word which is no command and cannot be meant as a delivery, such as
/// `sttaus`. A delivery begins with an option; its exit status is for Postfix, so such a line has to end as a deferral.
std::optional<std::string> unknown_command(const std::vector<std::string>& words);

}  // namespace relaypipe
