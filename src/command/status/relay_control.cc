#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "base/printable.h"
#include "command/status/json_state.h"
#include "command/status/state.h"
#include "command/status/state_tool.h"
#include "config/document_reader.h"
#include "io/system/change_hook.h"
#include "relay/units.h"
#include "state/change_log.h"
#include "state/state_record.h"

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

/// The relays of the configuration, then those that only the state knows.
struct KnownRelays {
  std::vector<std::string> configured;
  std::vector<std::string> others;

  [[nodiscard]] bool is_configured(const std::string& name) const {
    return std::find(configured.begin(), configured.end(), name) != configured.end();
  }
  [[nodiscard]] std::vector<std::string> all() const {
    std::vector<std::string> names = configured;
    names.insert(names.end(), others.begin(), others.end());
    return names;
  }
  /// A relay that is neither configured nor in the state is a mistake in writing.
  [[nodiscard]] std::string problem(const std::string& name) const {
    const std::vector<std::string> names = all();
    const bool known = std::any_of(names.begin(), names.end(),
                                   [&](const std::string& other) { return relay_key(other) == relay_key(name); });
    if (known) return "";
    const std::vector<std::string_view> candidates(names.begin(), names.end());
    return fmt::format("there is no relay {}{}", printable(name),
                       suggestion(name, candidates, "`relaypipe status` shows all that are known"));
  }
};

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

/// Changes what is remembered of a relay, and notes it. What it was before is the result.
Health change_relay(StateTool& tool, const std::string& name, Change change,
                    const std::function<void(RelayState&, WallTime)>& edit) {
  const WallTime now = tool.wall.now();
  const std::array<std::string, 1> key{relay_key(name)};
  Health before;
  tool.store->update(key, now, StateWait::Exact, [&](std::vector<StateValue>& values) {
    RelayState state = unpack(values[0].octets).value_or(RelayState());
    settle(state.health, now);
    before = state.health;
    edit(state, now);
    // Without it nobody could tell later that the clock was wrong now.
    state.health.stamp = std::max(state.health.stamp, now);
    values[0] = {pack(state), useful_until(state, now)};
  });
  change.at = now;
  change.relay = name;
  note_changes(*tool.store, std::array{change}, now);
  return before;
}

int finish(const StateTool& tool, const std::string& done) {
  if (const auto trouble = tool.store->trouble()) return end_state_tool(printable(*trouble), kStateTrouble);
  return end_state_tool(done, kStateDone);
}

/// Suspends or resumes one relay.
int change_one(StateTool& tool, const Change& change, const std::string& done,
               const std::function<void(RelayState&, WallTime)>& edit) {
  const std::string& name = tool.arguments.relay;
  if (const std::string problem = known_relays(tool).problem(name); !problem.empty())
    return end_state_tool(problem, kStateBadInput);
  change_relay(tool, name, change, edit);
  return finish(tool, done);
}

/// The health begins anew. What was counted stays, and so does what the administrator said.
void reset_health(RelayState& state, WallTime now, bool quota) {
  Health fresh;
  fresh.stamp = now;
  fresh.successes = state.health.successes;
  fresh.day = state.health.day;
  fresh.today = state.health.today;
  fresh.certificate_end = state.health.certificate_end;
  fresh.suspended_until = state.health.suspended_until;
  fresh.reset = now;
  state.health = fresh;
  state.endpoints.clear();
  if (quota) state.allowance = {};
}

/// Removes the record of a relay that is gone from the configuration.
void forget(StateTool& tool, const std::string& name) {
  const std::array<std::string, 1> key{relay_key(name)};
  tool.store->update(key, tool.wall.now(), StateWait::Exact, [](std::vector<StateValue>& values) { values[0] = {}; });
}

/// Tells on_change that a relay which was down is not any more, since nothing else would: the next acceptance is no
/// change.
std::string tell_up(const StateTool& tool, const std::string& name, const Health& before) {
  const std::vector<std::string>& program = tool.loaded.configuration.on_change;
  if (program.empty() || before.since == kNever) return "";
  const Change up{Change::Kind::Up, tool.wall.now(), name, before.cause, kNever, "reset by the administrator"};
  const std::string problem = run_detached(program, change_json(up));
  return problem.empty() ? "" : fmt::format("\non_change {}: {}", printable(program.front()), problem);
}

}  // namespace

int run_suspend(const std::vector<std::string>& words) {
  int status = kStateDone;
  const auto tool = begin_state_tool(parse_suspend_arguments(words), status);
  if (!tool) return status;
  WallTime until = kFarFuture;
  if (tool->arguments.span) {
    const auto span = parse_duration(*tool->arguments.span);
    if (!span) return end_state_tool("--for: " + span.error(), kStateBadInput);
    until = tool->wall.now() + to_span(*span);
  }
  const std::string name = printable(tool->arguments.relay);
  const std::string end = until == kFarFuture ? fmt::format("`relaypipe resume {}`", name) : time_text(until);
  return change_one(*tool, {Change::Kind::Suspended, {}, {}, {}, until, {}},
                    fmt::format("{} is suspended until {}; deliveries that use it now are not interrupted", name, end),
                    [&](RelayState& state, WallTime) { state.health.suspended_until = until; });
}

int run_resume(const std::vector<std::string>& words) {
  int status = kStateDone;
  const auto tool = begin_state_tool(parse_resume_arguments(words), status);
  if (!tool) return status;
  return change_one(*tool, {Change::Kind::Resumed, {}, {}, {}, {}, {}},
                    fmt::format("{} may be used again", printable(tool->arguments.relay)),
                    [](RelayState& state, WallTime) { state.health.suspended_until = kNever; });
}

int run_reset(const std::vector<std::string>& words) {
  int status = kStateDone;
  const auto tool = begin_state_tool(parse_reset_arguments(words), status);
  if (!tool) return status;
  const KnownRelays known = known_relays(*tool);
  std::vector<std::string> names = tool->arguments.relays;
  // Nothing is changed where one of several is a mistake.
  for (const std::string& name : names) {
    if (const std::string problem = known.problem(name); !problem.empty())
      return end_state_tool(problem, kStateBadInput);
  }
  // Those that only the state knows may be destinations of a transport table, so they are forgotten by name alone.
  const bool all = names.empty();
  if (all) names = known.all();
  if (names.empty()) return end_state_tool("no relay is configured, and none was used yet", kStateDone);
  const bool quota = tool->arguments.quota;
  std::string done;
  for (const std::string& name : names) {
    const Health before = change_relay(*tool, name, {Change::Kind::Reset, {}, {}, {}, {}, {}},
                                       [&](RelayState& state, WallTime now) { reset_health(state, now, quota); });
    const bool gone = !all && !known.is_configured(name);
    if (gone) forget(*tool, name);
    done += fmt::format("{}{}: {}{}", done.empty() ? "" : "\n", printable(name),
                        gone    ? "everything about it is forgotten, since it is not in the configuration"
                        : quota ? "its health and what counts against its limits are forgotten"
                                : "its health is forgotten",
                        tell_up(*tool, name, before));
  }
  return finish(*tool, done);
}

}  // namespace relaypipe
