#pragma once

#include <memory>
#include <optional>
#include <string>

#include "command/wiring/command.h"
#include "command/wiring/request.h"
#include "io/state/owners.h"
#include "io/system/system_clock.h"
#include "state/store.h"

namespace relaypipe {

/// What the tools that look into what deliveries remember, or change it, begin with.
struct StateTool {
  LoadedConfiguration loaded;
  std::unique_ptr<StateStore> store;
  SystemWallClock wall;
  std::unique_ptr<StateOwners> owners;
};

inline constexpr int kStateTrouble = 1;  ///< the exit status where nothing can be remembered

/// Reads the configuration, and opens the store as the user that deliveries run as. Nothing where that cannot be: the
/// reason was written, and `status` is set.
std::unique_ptr<StateTool> begin_state_tool(const CommonArguments& arguments, int& status);

/// Writes a sentence, with its times in local time, and returns `status`.
int end_state_tool(const std::string& text, int status);

}  // namespace relaypipe
