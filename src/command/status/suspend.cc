#include <fmt/format.h>

#include "base/printable.h"
#include "command/status/commands.h"
#include "command/status/known_relays.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

struct ResumeArguments : CommonArguments {
  std::string relay;
};

struct SuspendArguments : ResumeArguments {
  std::optional<std::string> span;
};

void declare_relay(Options& options, ResumeArguments& arguments) {
  options.needed_word("RELAY", arguments.relay, "its name in the configuration, or the destination as it is written");
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

/// Suspends or resumes one relay.
int change_one(StateTool& tool, const std::string& name, const Change& change, const std::string& done,
               const std::function<void(RelayState&, WallTime)>& edit) {
  if (const std::string problem = known_relays(tool).problem(name); !problem.empty())
    return end_state_tool(problem, kBadInput);
  change_relay(tool, name, change, edit);
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
  return change_one(*tool, arguments.relay, {Change::Kind::Suspended, {}, {}, {}, until, {}},
                    fmt::format("{} is suspended until {}; deliveries that use it now are not interrupted", name, end),
                    [&](RelayState& state, WallTime) { state.health.suspended_until = until; });
}

int run_resume(const ResumeArguments& arguments) {
  int status = kDone;
  const auto tool = begin_state_tool(arguments, status);
  if (!tool) return status;
  return change_one(*tool, arguments.relay, {Change::Kind::Resumed, {}, {}, {}, {}, {}},
                    fmt::format("{} may be used again", printable(arguments.relay)),
                    [](RelayState& state, WallTime) { state.health.suspended_until = kNever; });
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
