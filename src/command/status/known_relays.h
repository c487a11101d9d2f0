#pragma once

#include <functional>
#include <string>
#include <vector>

#include "command/status/state_tool.h"
#include "state/change.h"
#include "state/state_record.h"

namespace relaypipe {

/// The relays of the configuration, with the destinations that are written into chains, then those that only the state
/// knows.
struct KnownRelays {
  std::vector<std::string> configured;
  std::vector<std::string> others;

  [[nodiscard]] bool is_configured(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> all() const;
  /// Why this is not the name of a relay, neither of the configuration nor of the state: a mistake in writing. Empty
  /// where it is one.
  [[nodiscard]] std::string problem(const std::string& name) const;
};

KnownRelays known_relays(const StateTool& tool);

/// Changes what is remembered of a relay, and notes it. What it was before is the result.
Health change_relay(StateTool& tool, const std::string& name, Change change,
                    const std::function<void(RelayState&, WallTime)>& edit);

/// Writes what was done, or that nothing could be remembered; the exit status.
int end_change(const StateTool& tool, const std::string& done);

}  // namespace relaypipe
