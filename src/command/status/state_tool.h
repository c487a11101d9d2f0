#pragma once

#include <memory>
#include <optional>
#include <string>

#include "command/wiring/arguments_state.h"
#include "command/wiring/request.h"
#include "io/state/owners.h"
#include "io/system/system_clock.h"
#include "state/store.h"

namespace relaypipe {

/// What the tools that look into what deliveries remember, or change it, begin with.
struct StateTool {
  StateArguments arguments;
  LoadedConfiguration loaded;
  std::unique_ptr<StateStore> store;
  SystemWallClock wall;
  std::unique_ptr<StateOwners> owners;
};

inline constexpr int kStateDone = 0;
inline constexpr int kStateTrouble = 1;
inline constexpr int kStateBadInput = 2;

/// Reads the command line and the configuration, and opens the store as the user that deliveries run as. Nothing where
/// that cannot be: the reason was written, and `status` is set.
std::unique_ptr<StateTool> begin_state_tool(const Result<StateArguments, NoArguments>& arguments, int& status);

/// Writes a sentence and returns `status`.
int end_state_tool(const std::string& text, int status);

}  // namespace relaypipe
