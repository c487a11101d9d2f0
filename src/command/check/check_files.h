#pragma once

#include "command/wiring/request.h"

namespace relaypipe {

/// What the file cannot say of itself: whether the machine has the directory and the socket it names.
void check_machine(LoadedConfiguration& loaded);

/// Warns of names for EHLO that relays refuse.
void check_ehlo_names(LoadedConfiguration& loaded);

/// Looks at the files that the relays name: secrets, password maps, authorities, certificates. What a relay cannot work
/// without is an error; it stops that relay alone, since a delivery finds out when it uses it.
void check_files(LoadedConfiguration& loaded);

}  // namespace relaypipe
