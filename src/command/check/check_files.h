#pragma once

#include <set>
#include <string>

#include "command/wiring/request.h"

namespace relaypipe {

/// Looks at the files that the relays name: secrets, password maps, authorities, certificates. What a relay cannot work
/// without is an error; it stops that relay alone, since a delivery finds out when it uses it. `told`: files with
/// secrets, as they are written, that are left out because it is known that they cannot be read.
void check_files(LoadedConfiguration& loaded, const std::set<std::string>& told = {});

}  // namespace relaypipe
