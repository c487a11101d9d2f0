#include "state/update_backlog.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "state/history_records.h"

namespace relaypipe {
namespace {

/// What others found since the relay was calm is news, which an acceptance from before takes nothing of.
void tell(RelayState& state, const UpdateBacklog::Waiting& waiting, const Owner& self, WallTime now,
          std::vector<Change>& changes) {
  const std::vector<Doubt> doubts = state.health.doubts;
  const std::optional<Suspicion> suspicion = state.health.suspicion;
  RelayHistory history{.relay = std::move(state), .with_sender = {}};
  for (const HealthUpdate& update : waiting.updates) {
    if (auto change = apply(history, update, waiting.relay, {}, self, now)) changes.push_back(*std::move(change));
  }
  state = std::move(history.relay);
  state.health.doubts = doubts;
  state.health.suspicion = suspicion;
}

}  // namespace

bool is_calm(const RelayHistory& history, const Relay& relay, WallTime now, const Alive& alive) {
  const Health& health = history.relay.health;
  if (relay.limits.any() || relay.limits.fleet || !history.relay.endpoints.empty()) return false;
  if (has_failed(health) || health.suspicion || health.suspended_until > now) return false;
  const auto looks_on = [&](const Look& look) { return alive(look.owner); };
  if (health.ready.samples == 0 || std::any_of(health.looks.begin(), health.looks.end(), looks_on)) return false;
  return !has_failed(history.with_sender) &&
         std::none_of(history.with_domains.begin(), history.with_domains.end(), has_failed);
}

std::set<std::string> calm_relays(const RoutePlan& plan, std::span<const RelayHistory> history, const Context& around) {
  std::set<std::string> calm;
  for (std::size_t leg = 0; leg < plan.legs.size(); ++leg) {
    if (is_calm(history[leg], plan.legs[leg].relay, around.now, around.alive)) calm.insert(plan.legs[leg].relay.name);
  }
  return calm;
}

bool may_wait(std::span<const HealthUpdate> updates) {
  return std::all_of(updates.begin(), updates.end(), [](const HealthUpdate& update) {
    const bool of_relay = update.of == HealthUpdate::Of::Relay || update.of == HealthUpdate::Of::Endpoint;
    return of_relay && !is_failure(update.event) && !update.event.pipelined;
  });
}

void UpdateBacklog::add(const Relay& relay, std::vector<HealthUpdate> updates, Instant now) {
  if (updates.empty()) return;
  auto there = waiting_.find(relay.name);
  if (there == waiting_.end()) there = waiting_.emplace(relay.name, Waiting{relay, {}}).first;
  std::move(updates.begin(), updates.end(), std::back_inserter(there->second.updates));
  if (!due_) due_ = now + kLongest;
}

std::map<std::string, UpdateBacklog::Waiting> UpdateBacklog::take() {
  due_.reset();
  return std::exchange(waiting_, {});
}

void write_backlog(const HistoryServices& services, UpdateBacklog& backlog) {
  const auto waiting = backlog.take();
  if (waiting.empty()) return;
  std::vector<std::string> keys;
  keys.reserve(waiting.size());
  for (const auto& [name, one] : waiting)
    keys.push_back(relay_key(name));
  std::vector<Change> changes;
  const WallTime now = services.wall.now();
  services.store.update(keys, now, StateWait::Brief, [&](std::vector<StateValue>& values) {
    std::size_t place = 0;
    for (const auto& [name, one] : waiting) {
      RelayState state = state_in(values[place]);
      tell(state, one, Owner(), now, changes);
      values[place++] = value_of(state, now);
    }
  });
  std::for_each(changes.begin(), changes.end(), services.changed);
}

}  // namespace relaypipe
