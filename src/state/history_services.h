#pragma once

#include <cstdint>
#include <functional>

#include "base/clock.h"
#include "base/owner.h"
#include "relay/relay.h"
#include "relay/run_settings.h"
#include "state/calendar.h"
#include "state/change.h"
#include "state/fleet_question.h"
#include "state/store.h"

namespace relaypipe {

class UpdateBacklog;

/// What became of a question to the fleet's store.
enum class FleetAnswer {
  Done,  ///< what it said, or that it said nothing, is in the store
  Busy,  ///< another process is asking: soon
};

/// What a delivery's history needs of its surroundings.
struct HistoryServices {
  StateStore& store;
  const WallClock& wall;
  const Clock& clock;
  const RunSettings& run;
  std::function<Owner()> self;  ///< this process; asked when something is taken
  Alive alive;
  ZoneOffset zones;
  std::function<std::uint64_t(const Relay&)> credentials;
  std::function<std::uint64_t(const Relay&)> settings;  ///< stamps what a connection is made with
  std::function<void(const Change&)> changed;           ///< a relay went down or came back by what this delivery saw
  /// Asks the fleet's store for a slice, in bounded time; where there is a fleet.
  std::function<FleetAnswer(const Relay&, const SliceNeed&)> ask_fleet = {};
  Duration longest_question = {};  ///< to the store: after this another process has its answer, or knows of none
  /// There is something to ask or tell the fleet's store about a relay, once this delivery is done. `noted`: that a
  /// process will do so is in the relay's record already.
  std::function<void(const Relay&, bool noted)> refill = {};
  /// Whether this process keeps a session with the relay for its next message; empty: it keeps none.
  std::function<bool(const Relay&)> keeps = {};
  /// Where this process goes on after the delivery: what may be written together with what its next ones show.
  UpdateBacklog* backlog = nullptr;
};

}  // namespace relaypipe
