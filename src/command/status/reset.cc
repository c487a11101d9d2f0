#include <fmt/format.h>

#include <array>

#include "base/printable.h"
#include "command/status/commands.h"
#include "command/status/json.h"
#include "command/status/known_relays.h"
#include "io/system/change_hook.h"

namespace relaypipe {
namespace {

struct ResetArguments : CommonArguments {
  std::vector<std::string> relays;  ///< none: all
  bool quota = false;
};

void declare(Options& options, ResetArguments& arguments) {
  options.words("RELAY", arguments.relays, "names in the configuration, or destinations as written; default: all");
  options.flag("--quota", arguments.quota, "also what counts against its rate and quotas");
  options.common(arguments);
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
  if (program.empty() || !before.outage) return "";
  const Change up{Change::Kind::Up, tool.wall.now(), name, before.outage->cause, kNever, "reset by the administrator"};
  const std::string problem = run_detached(program, change_json(up));
  return problem.empty() ? "" : fmt::format("\non_change {}: {}", printable(program.front()), problem);
}

int run(const ResetArguments& arguments) {
  int status = kDone;
  const auto tool = begin_state_tool(arguments, status);
  if (!tool) return status;
  const KnownRelays known = known_relays(*tool);
  std::vector<std::string> names = arguments.relays;
  // Nothing is changed where one of several is a mistake.
  for (const std::string& name : names) {
    if (const std::string problem = known.problem(name); !problem.empty()) return end_state_tool(problem, kBadInput);
  }
  // Those that only the state knows may be destinations of a transport table, so they are forgotten by name alone.
  const bool all = names.empty();
  if (all) names = known.all();
  if (names.empty()) return end_state_tool("no relay is configured, and none was used yet", kDone);
  const bool quota = arguments.quota;
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
  return end_change(*tool, done);
}

}  // namespace

const Command kResetCommand{
    "reset", "lets a relay that cools down be tried at once",
    "Forgets the health of relays: the next delivery tries them. Of a relay that is no longer in the configuration "
    "everything is forgotten. Exit status: 0 done, 1 nothing can be remembered, 2 wrong command line or configuration.",
    start<ResetArguments, declare, run>};

}  // namespace relaypipe
