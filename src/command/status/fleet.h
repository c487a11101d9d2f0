#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "command/status/state_tool.h"
#include "io/fleet/window_reply.h"

namespace relaypipe {

/// One quota or rate of a relay over all hosts.
struct FleetWindow {
  std::string relay;
  std::string limit;  ///< as written
  bool is_rate = false;
  std::uint64_t count = 0;
  std::uint64_t used = 0;                 ///< or granted
  std::optional<WallTime> answered = {};  ///< the store does not answer: when it told this host, which alone is listed
  std::vector<FleetHostUse> hosts;        ///< by name
};

/// What the fleet's store says at this moment.
struct FleetReport {
  std::string url;
  std::string problem;  ///< why it does not answer; empty: it does
  std::vector<FleetWindow> windows;
};

/// Asks the store about all limits of all relays of the configuration, which has a fleet. Where it does not answer:
/// what this host was told last.
FleetReport make_fleet_report(StateTool& tool);

/// For a person.
std::string fleet_table(const FleetReport& report, bool colour);
/// relaypipe-json(5).
std::string fleet_json(const FleetReport& report);
/// The text format of Prometheus.
std::string fleet_prometheus(const FleetReport& report);

}  // namespace relaypipe
