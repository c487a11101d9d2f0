#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "relay/relay.h"
#include "route/plan.h"
#include "state/health_update.h"
#include "state/history_services.h"
#include "state/relay_history.h"

namespace relaypipe {

/// Whether one more acceptance by a relay is no news to anybody: it has no limit, it is known and well, so are its
/// endpoints, and so is it with the message's sender and domains. A suspension that is over is none, and whoever looked
/// and died looks no more.
bool is_calm(const RelayHistory& history, const Relay& relay, WallTime now, const Alive& alive);

/// The calm relays of a plan, by name, from what is remembered of each leg's.
std::set<std::string> calm_relays(const RoutePlan& plan, std::span<const RelayHistory> history, const Context& around);

/// Whether updates of a calm relay may wait: nothing in them is a failure, or the end of one.
bool may_wait(std::span<const HealthUpdate> updates);

/// What a process that delivers message after message has to tell of calm relays, and tells together: a thousand
/// acceptances a second are a few changes of the relay's record, not a thousand. A process that is killed takes with it
/// what it counted last; of its messages themselves nothing waits.
class UpdateBacklog {
 public:
  /// How long an update waits at most.
  static constexpr Duration kLongest = std::chrono::seconds(1);

  /// Of one relay.
  struct Waiting {
    Relay relay;
    std::vector<HealthUpdate> updates;
  };

  void add(const Relay& relay, std::vector<HealthUpdate> updates, Instant now);
  /// When it is to be written; nothing where nothing waits.
  [[nodiscard]] std::optional<Instant> due() const { return due_; }
  /// All that waits, by the relay's name; from then on nothing does.
  std::map<std::string, Waiting> take();

 private:
  std::map<std::string, Waiting> waiting_;
  std::optional<Instant> due_;
};

/// Writes all that waits, in one transaction; does nothing where nothing does.
void write_backlog(const HistoryServices& services, UpdateBacklog& backlog);

}  // namespace relaypipe
