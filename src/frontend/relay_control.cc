#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "base/printable.h"
#include "config/document_reader.h"
#include "config/units.h"
#include "deliver/change_log.h"
#include "frontend/state.h"
#include "frontend/state_tool.h"
#include "route/state_record.h"

namespace relaypipe {
namespace {

/// A relay that is neither configured nor remembered is a mistake in writing.
std::string unknown_relay(const StateTool& tool) {
  const std::string& name = tool.arguments.relay;
  if (tool.loaded.configuration.relay(name) != nullptr) return "";
  const WallTime now = tool.wall.now();
  std::vector<std::string> names;
  for (const auto& [configured, relay] : tool.loaded.configuration.relays)
    names.push_back(configured);
  for (const auto& [key, octets] : tool.store->list(kRelayKeys, now)) {
    if (key == relay_key(name)) return "";
    names.push_back(key.substr(kRelayKeys.size()));
  }
  const std::vector<std::string_view> known(names.begin(), names.end());
  return fmt::format("there is no relay {}{}", printable(name),
                     suggestion(name, known, "`relaypipe status` shows all that are known"));
}

/// Changes what is remembered of the relay, notes it, and says so.
int change_relay(StateTool& tool, Change change, const std::string& done,
                 const std::function<void(RelayState&, WallTime)>& edit) {
  if (const std::string problem = unknown_relay(tool); !problem.empty()) {
    return end_state_tool(problem, kStateBadInput);
  }
  const WallTime now = tool.wall.now();
  const std::array<std::string, 1> key{relay_key(tool.arguments.relay)};
  tool.store->update(key, now, [&](std::vector<StateValue>& values) {
    RelayState state = unpack(values[0].octets).value_or(RelayState());
    settle(state.health, now);
    edit(state, now);
    values[0] = {pack(state), useful_until(state, now)};
  });
  change.at = now;
  change.relay = tool.arguments.relay;
  note_changes(*tool.store, std::array{change}, now);
  if (const auto trouble = tool.store->trouble()) return end_state_tool(printable(*trouble), kStateTrouble);
  return end_state_tool(done, kStateDone);
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
  return change_relay(
      *tool, {Change::Kind::Suspended, {}, {}, {}, until, {}},
      fmt::format("{} is suspended until {}; deliveries that use it now are not interrupted", name, end),
      [&](RelayState& state, WallTime) { state.health.suspended_until = until; });
}

int run_resume(const std::vector<std::string>& words) {
  int status = kStateDone;
  const auto tool = begin_state_tool(parse_resume_arguments(words), status);
  if (!tool) return status;
  return change_relay(*tool, {Change::Kind::Resumed, {}, {}, {}, {}, {}},
                      fmt::format("{} may be used again", printable(tool->arguments.relay)),
                      [](RelayState& state, WallTime) { state.health.suspended_until = kNever; });
}

int run_reset(const std::vector<std::string>& words) {
  int status = kStateDone;
  const auto tool = begin_state_tool(parse_reset_arguments(words), status);
  if (!tool) return status;
  const bool quota = tool->arguments.quota;
  return change_relay(*tool, {Change::Kind::Reset, {}, {}, {}, {}, {}},
                      fmt::format("{}: its health{} forgotten", printable(tool->arguments.relay),
                                  quota ? " and what counts against its limits are" : " is"),
                      [&](RelayState& state, WallTime now) {
                        Health fresh;
                        fresh.stamp = now;
                        // What was counted stays, and so does what the administrator said.
                        fresh.successes = state.health.successes;
                        fresh.day = state.health.day;
                        fresh.today = state.health.today;
                        fresh.suspended_until = state.health.suspended_until;
                        state.health = fresh;
                        state.endpoints.clear();
                        if (quota) state.allowance = {};
                      });
}

}  // namespace relaypipe
