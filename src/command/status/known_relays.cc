#include "command/status/known_relays.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/printable.h"
#include "config/document_reader.h"
#include "state/change_log.h"
#include "state/history_records.h"

namespace relaypipe {
namespace {

/// The relays of the configuration, with the destinations that are written into chains.
std::vector<std::string> configured_relays(const Configuration& configuration) {
  std::vector<std::string> names;
  for (const auto& [name, relay] : configuration.relays)
    names.push_back(name);
  const auto add = [&](const std::vector<std::string>& tier) {
    for (const std::string& name : tier) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  };
  for (const auto& [name, chain] : configuration.chains) {
    for (const auto& tier : chain.tiers)
      add(tier);
    add(chain.fallback);
  }
  return names;
}

}  // namespace

bool KnownRelays::is_configured(const std::string& name) const {
  return std::find(configured.begin(), configured.end(), name) != configured.end();
}

std::vector<std::string> KnownRelays::all() const {
  std::vector<std::string> names = configured;
  names.insert(names.end(), others.begin(), others.end());
  return names;
}

std::string KnownRelays::problem(const std::string& name) const {
  const std::vector<std::string> names = all();
  const bool known = std::any_of(names.begin(), names.end(),
                                 [&](const std::string& other) { return relay_key(other) == relay_key(name); });
  if (known) return "";
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  return fmt::format("there is no relay {}{}", printable(name),
                     suggestion(name, candidates, "`relaypipe status` shows all that are known"));
}

KnownRelays known_relays(const StateTool& tool) {
  KnownRelays known{configured_relays(tool.loaded.configuration), {}};
  for (const auto& record : tool.store->list(kRelayKeys, tool.wall.now())) {
    const std::string& key = record.first;
    const bool configured = std::any_of(known.configured.begin(), known.configured.end(),
                                        [&](const std::string& name) { return relay_key(name) == key; });
    if (!configured) known.others.push_back(key.substr(kRelayKeys.size()));
  }
  return known;
}

Health change_relay(StateTool& tool, const std::string& name, Change change,
                    const std::function<void(RelayState&, WallTime)>& edit) {
  const WallTime now = tool.wall.now();
  const std::array<std::string, 1> key{relay_key(name)};
  Health before;
  tool.store->update(key, now, StateWait::Exact, [&](std::vector<StateValue>& values) {
    RelayState state = state_in(values[0]);
    settle(state.health, now);
    before = state.health;
    edit(state, now);
    // Without it nobody could tell later that the clock was wrong now.
    state.health.stamp = std::max(state.health.stamp, now);
    values[0] = value_of(state, now);
  });
  change.at = now;
  change.relay = name;
  note_changes(*tool.store, std::array{change}, now);
  return before;
}

int end_change(const StateTool& tool, const std::string& done) {
  if (const auto trouble = tool.store->trouble()) return end_state_tool(printable(*trouble), kStateTrouble);
  return end_state_tool(done, kDone);
}

}  // namespace relaypipe
