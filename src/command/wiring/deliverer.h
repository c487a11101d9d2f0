#pragma once

#include <optional>
#include <string>

#include "command/wiring/options.h"
#include "command/wiring/request.h"

namespace relaypipe {

/// The configuration, read as the user that deliveries run as. Every command but the doctor begins with it, a delivery
/// by hand included.
///
/// Root becomes that user first, for the rest of the process and with its primary group alone: what it may read is then
/// what a delivery may read, and what it writes a delivery can use. It is the owner of the state directory; where that
/// is root or is not there, the user of the pipe(8) service in master.cf that has the same configuration file. Where
/// neither is known, root stays root. That root cannot become the user is an error of the configuration.
LoadedConfiguration load_as_deliverer(const CommonArguments& arguments);

/// Why a command that uses the state directory cannot: it is not there, or this process is not its owner. A sentence
/// with the way out.
std::optional<std::string> state_directory_problem(const LoadedConfiguration& loaded);

}  // namespace relaypipe
