#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/journal.h"
#include "command/fleet/sync.h"
#include "command/wiring/options.h"
#include "command/wiring/state_parts.h"

namespace relaypipe {

/// What a front end needs of the fleet; nothing of it does anything where there is none.
///
/// Deliveries ask the local state. What is to be asked of the store is asked by a process of its own, `relaypipe
/// refill`, once the delivery's result is told: pipe(8) waits for the end of this one. Only where a slice is used up,
/// or there is none yet, a delivery asks itself.
class FleetParts {
 public:
  /// The references outlive it. `arguments`: of this process, for the one that is started.
  FleetParts(const std::optional<FleetConfig>& fleet, const RunSettings& settings, CommonArguments arguments,
             StateParts& state, const Clock& clock, Journal& journal);

  /// What a delivery's history needs, with the fleet.
  [[nodiscard]] HistoryServices services();
  /// After a result is told: starts what has to be asked. `log_id` begins the line where that cannot be done.
  void start_refill(const std::string& log_id);

 private:
  FleetAnswer ask(const Relay& relay, const SliceNeed& need);
  void note_start(std::set<std::string>& relays);

  const std::optional<FleetConfig>& fleet_;
  const RunSettings& settings_;
  CommonArguments arguments_;
  StateParts& state_;
  const Clock& clock_;
  Journal& journal_;
  std::set<std::string> noted_;  ///< relays that are to be asked about
  std::set<std::string> due_;    ///< and those of which that is not in their records yet
};

/// What an exchange needs, of the parts of a process.
FleetServices fleet_services(const FleetConfig& fleet, const RunSettings& settings, StateParts& state,
                             const Clock& clock, Journal& journal);

}  // namespace relaypipe
