#include <fmt/format.h>

#include "base/printable.h"
#include "command/fleet/sync.h"
#include "command/status/commands.h"
#include "command/status/known_relays.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

struct ResumeArguments : CommonArguments {
  std::string relay;
  bool fleet = false;
};

struct SuspendArguments : ResumeArguments {
  std::optional<std::string> span;
};

void declare_relay(Options& options, ResumeArguments& arguments) {
  options.needed_word("RELAY", arguments.relay, "its name in the configuration, or the destination as it is written");
  options.flag("--fleet", arguments.fleet, "on all hosts of the fleet, when they next ask its store");
}

void declare_suspend(Options& options, SuspendArguments& arguments) {
  declare_relay(options, arguments);
  options.value("--for", arguments.span, "how long, such as 2h (default: until resumed)", "SPAN");
  options.common(arguments);
}

void declare_resume(Options& options, ResumeArguments& arguments) {
  declare_relay(options, arguments);
  options.common(arguments);
}

/// Tells the other hosts. What went wrong, a sentence; empty where nothing did.
std::string tell_fleet(const StateTool& tool, const std::string& name, Span left) {
  const Configuration& configuration = tool.loaded.configuration;
  const SystemClock clock;
  FleetLink link(*configuration.fleet, configuration.run, clock);
  const FleetFact fact{.kind = FleetFact::Kind::Suspension, .left = left, .host = {}, .words = "by the administrator"};
  const std::vector<ScriptCall> calls{facts_call(*configuration.fleet, name, fleet_host(*configuration.fleet), fact)};
  const auto replies = link.call(calls);
  const auto facts =
      replies ? parse_facts(replies->front()) : Result<std::vector<FleetFact>, std::string>(fail(replies.error()));
  if (facts) return "";
  return fmt::format("the other hosts were not told: {}: {}", configuration.fleet->url, printable(facts.error()));
}

/// Suspends or resumes one relay.
int change_one(StateTool& tool, const ResumeArguments& arguments, const Change& change, const std::string& done,
               const std::function<void(RelayState&, WallTime)>& edit) {
  const std::string& name = arguments.relay;
  const Configuration& configuration = tool.loaded.configuration;
  if (arguments.fleet && (!configuration.fleet || configuration.relay(name) == nullptr)) {
    return end_state_tool(configuration.fleet ? "--fleet: only relays with a [relay.NAME] are shared by a fleet"
                                              : "--fleet: there is no [fleet] in " + tool.loaded.file,
                          kBadInput);
  }
  if (const std::string problem = known_relays(tool).problem(name); !problem.empty())
    return end_state_tool(problem, kBadInput);
  change_relay(tool, name, change, edit);
  if (arguments.fleet) {
    const bool ends = change.kind == Change::Kind::Resumed;
    const Span left = change.until == kFarFuture ? FleetFact::kForever : change.until - tool.wall.now();
    const std::string problem = tell_fleet(tool, name, ends ? Span(0) : left);
    if (!problem.empty()) return end_state_tool(done + "\n" + problem, kStateTrouble);
    return end_change(tool, done + "; the other hosts hear of it when they next ask the fleet's store");
  }
  return end_change(tool, done);
}

int run_suspend(const SuspendArguments& arguments) {
  int status = kDone;
  const auto tool = begin_state_tool(arguments, status);
  if (!tool) return status;
  WallTime until = kFarFuture;
  if (arguments.span) {
    const auto span = parse_duration(*arguments.span);
    if (!span) return end_state_tool("--for: " + span.error(), kBadInput);
    until = tool->wall.now() + to_span(*span);
  }
  const std::string name = printable(arguments.relay);
  const std::string end = until == kFarFuture ? fmt::format("`relaypipe resume {}`", name) : time_text(until);
  return change_one(*tool, arguments, {Change::Kind::Suspended, {}, {}, {}, until, {}},
                    fmt::format("{} is suspended until {}; deliveries that use it now are not interrupted", name, end),
                    [&](RelayState& state, WallTime) { state.health.suspended_until = until; });
}

int run_resume(const ResumeArguments& arguments) {
  int status = kDone;
  const auto tool = begin_state_tool(arguments, status);
  if (!tool) return status;
  return change_one(*tool, arguments, {Change::Kind::Resumed, {}, {}, {}, {}, {}},
                    fmt::format("{} may be used again", printable(arguments.relay)),
                    [](RelayState& state, WallTime) { state.health.suspended_until.reset(); });
}

}  // namespace

const Command kSuspendCommand{"suspend", "keeps deliveries from a relay",
                              "Keeps all deliveries from a relay. Exit status: 0 done, 1 nothing can be remembered, 2 "
                              "wrong command line or configuration.",
                              start<SuspendArguments, declare_suspend, run_suspend>};

const Command kResumeCommand{"resume", "ends that",
                             "Ends what suspend began. Exit status: 0 done, 1 nothing can be remembered, 2 wrong "
                             "command line or configuration.",
                             start<ResumeArguments, declare_resume, run_resume>};

}  // namespace relaypipe
