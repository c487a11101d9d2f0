#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/journal.h"
#include "command/fleet/link.h"
#include "io/fleet/wire.h"
#include "relay/relay.h"
#include "state/change.h"
#include "state/fleet_record.h"
#include "state/store.h"

namespace relaypipe {

/// What the exchange with a fleet needs of its surroundings.
struct FleetServices {
  const FleetConfig& fleet;
  const RunSettings& settings;  ///< for their DNS
  StateStore& store;
  const Clock& clock;
  const WallClock& wall;
  Alive alive;
  ZoneOffset zones;
  std::function<Stamps(const Relay&)> stamps;
  std::function<void(const Change&)> changed;                              ///< by what another host told
  std::function<void(bool away, const std::string& words)> store_changed;  ///< the store went away or came back
};

/// Exchanges with the fleet's store what concerns one relay: slices of its quotas, the number of hosts, facts. The
/// local state is changed before the question, so that nobody uses what it gives back, and by the answer. In between
/// nothing is locked.
class FleetSync {
 public:
  explicit FleetSync(FleetServices services);

  enum class End {
    Answered,
    Failed,
    Busy,  ///< another process is asking about this relay
  };
  /// `need`: of a delivery that waits for the answer. `fact`: told besides what the state has to tell.
  End exchange(const Relay& relay, const std::optional<SliceNeed>& need, const std::optional<FleetFact>& fact = {});

  /// Why the last one failed, a phrase.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  struct Exchange {
    std::vector<SliceQuestion> questions;
    std::optional<FleetFact> fact;
    std::uint64_t sequence = 0;
    WallTime sent;
  };

  End begin(const Relay& relay, const std::optional<SliceNeed>& need, Exchange& exchange);
  Result<FleetAnswers, std::string> ask(const Relay& relay, const Exchange& exchange);
  void finish(const Relay& relay, const Exchange& exchange, const Result<FleetAnswers, std::string>& answers);

  FleetServices services_;
  const FleetConfig& fleet_;
  FleetHost self_;
  FleetLink link_;
  std::string problem_;
};

/// An exchange lasts no longer, its waiting and the rest.
Duration longest_question(const FleetConfig& fleet);

/// This host, as the configuration or the machine names it.
FleetHost fleet_host(const FleetConfig& fleet);

}  // namespace relaypipe
