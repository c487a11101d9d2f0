#pragma once

#include <optional>

#include "command/wiring/request.h"

namespace relaypipe {

/// Warns of what the file cannot say of itself: whether the machine has the directories it names.
void check_machine(LoadedConfiguration& loaded);

/// Why lines of the log would be lost or go another way than the configuration says, at the key that names it; nothing
/// where all is well.
std::optional<ConfigProblem> find_log_problem(const LoadedConfiguration& loaded);

/// Warns of names for EHLO that relays refuse.
void check_ehlo_names(LoadedConfiguration& loaded);

}  // namespace relaypipe
