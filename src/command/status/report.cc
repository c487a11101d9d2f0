#include "command/status/report.h"

#include <algorithm>
#include <map>

#include "config/nexthop.h"
#include "relay/provider.h"
#include "route/plan.h"
#include "state/count_results.h"
#include "state/fleet_record.h"
#include "state/relay_history.h"
#include "state/slice.h"

namespace relaypipe {
namespace {

/// What is remembered of every relay, by name.
std::map<std::string, RelayState> states_in(StateStore& store, WallTime now) {
  std::map<std::string, RelayState> states;
  for (const auto& [key, octets] : store.list(kRelayKeys, now)) {
    if (auto state = unpack(octets)) states[key.substr(kRelayKeys.size())] = *std::move(state);
  }
  return states;
}

void add_slices(RelayStatus& status, const Allowance& allowance, const Limits& limits, WallTime now,
                const ZoneOffset& zones) {
  if (!limits.fleet) return;
  status.hosts = allowance.fleet.hosts;
  for (const LimitRule& rule : limits.rules) {
    const Slice* const slice = rule.is_rate ? nullptr : find_slice(allowance.fleet, rule, now, zones);
    if (slice == nullptr || !slice->known()) continue;
    const std::uint64_t taken = slice->spent + held(allowance, rule);
    status.slices.push_back({.text = rule.text,
                             .left = slice->granted > taken ? slice->granted - taken : 0,
                             .fleet = slice->fleet,
                             .count = rule.count,
                             .until = slice->until});
  }
}

StoreStatus store_status(const FleetConfig& fleet, StateStore& store, WallTime now) {
  const std::vector<std::string> keys{std::string(kFleetKey)};
  const StoreHealth health = unpack_store_health(store.read(keys, now).at(0));
  return {.url = fleet.url,
          .answers = health.answered != kNever && !health.away(),
          .asked = health.tried != kNever,
          .since = health.since,
          .words = health.words};
}

RelayStatus status_of(const std::string& name, RelayState state, const Limits& limits, const CoolDown& bounds,
                      WallTime now, const Alive& alive, const ZoneOffset& zones) {
  RelayStatus status;
  status.name = name;
  now = settle(state, limits, now, zones, alive);
  // Whether credentials or settings have changed is seen by the next delivery; here they count as they were.
  const auto standing_now = [&](const Health& health) {
    return standing(health, now, health.outage ? health.outage->stamps : Stamps(), bounds, alive);
  };
  status.standing = standing_now(state.health);
  for (const LimitRule& rule : limits.rules)
    status.limits.push_back({rule.text, rule.is_rate, amount_used(state.allowance, rule), rule.count,
                             rule.is_rate ? 0 : limits.reserve.kept_of(rule.count)});
  add_slices(status, state.allowance, limits, now, zones);
  status.open = state.allowance.holds.size();
  status.connections = limits.connections;
  const bool same_day = std::chrono::floor<std::chrono::days>(now).time_since_epoch().count() == state.health.day;
  status.today = same_day ? state.health.today : 0;
  for (const EndpointState& endpoint : state.endpoints) {
    if (standing_now(endpoint.health).kind == Standing::Kind::CoolingDown) {
      status.cooling_down.push_back(endpoint.address);
    }
  }
  status.health = std::move(state.health);
  return status;
}

}  // namespace

StatusReport make_report(const Configuration& configuration, StateStore& store, WallTime now, const Alive& alive,
                         const ZoneOffset& zones) {
  StatusReport report;
  report.now = now;
  auto states = states_in(store, now);
  for (const auto& [name, chain] : configuration.chains)
    report.chains.push_back(&chain);
  for (const auto& [name, relay] : configuration.relays) {
    const auto known = states.extract(std::string(std::string_view(relay_key(name)).substr(kRelayKeys.size())));
    report.relays.push_back(status_of(name, known.empty() ? RelayState() : known.mapped(), relay.limits,
                                      relay.settings.cool_down, now, alive, zones));
    report.relays.back().destination = relay.destination.text;
    const Provider* const provider = provider_of(relay.provider, relay.destination.host);
    report.relays.back().provider = provider == nullptr ? "" : provider->name;
    report.relays.back().https = relay.destination.https;
  }
  // Destinations that stand in transport tables alone.
  for (auto& [name, state] : states) {
    report.relays.push_back(
        status_of(name, std::move(state), {}, configuration.relay_defaults.cool_down, now, alive, zones));
    report.relays.back().gone = is_bare_name(name);
  }
  for (const auto& [key, octets] : store.list(kMessageKeys, now)) {
    auto message = unpack_message(octets);
    if (message && message->kind == MessageState::Kind::Unconfirmed) report.unconfirmed.push_back(*std::move(message));
  }
  std::sort(report.unconfirmed.begin(), report.unconfirmed.end(),
            [](const MessageState& a, const MessageState& b) { return a.at < b.at; });
  if (configuration.fleet) report.store = store_status(*configuration.fleet, store, now);
  report.counters = read_counters(store, now);
  report.trouble = store.trouble().value_or("");
  return report;
}

std::string_view standing_name(const RelayStatus& relay) {
  switch (relay.standing.kind) {
    case Standing::Kind::Suspended: return "suspended";
    case Standing::Kind::CoolingDown: return "cooling-down";
    case Standing::Kind::Due: return "due";
    case Standing::Kind::Probing:
    case Standing::Kind::Hanging: return "probing";
    case Standing::Kind::Up: break;
  }
  return relay.standing.unknown ? "unknown" : "up";
}

}  // namespace relaypipe
