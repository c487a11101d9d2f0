#pragma once

#include <optional>
#include <set>
#include <string>

#include "command/wiring/request.h"

namespace relaypipe {

/// What the file cannot say of itself: whether the machine has the directories it names.
void check_machine(LoadedConfiguration& loaded);

/// Why lines of the log would be lost or go another way than the configuration says, at the key that names it; nothing
/// where all is well.
std::optional<ConfigProblem> find_log_problem(const LoadedConfiguration& loaded);

/// Warns of names for EHLO that relays refuse.
void check_ehlo_names(LoadedConfiguration& loaded);

/// Looks at the files that the relays name: secrets, password maps, authorities, certificates. What a relay cannot work
/// without is an error; it stops that relay alone, since a delivery finds out when it uses it. `told`: files with
/// secrets, as they are written, that are left out because it is known that they cannot be read.
void check_files(LoadedConfiguration& loaded, const std::set<std::string>& told = {});

}  // namespace relaypipe
