#pragma once

#include "command/wiring/arguments.h"

namespace relaypipe {

/// The command line of `relaypipe names`.
struct NamesArguments : CommonArguments {
  std::string kind;  ///< relays, chains or providers
};

Result<NamesArguments, NoArguments> parse_names_arguments(const std::vector<std::string>& words);

}  // namespace relaypipe
