#include "command/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/printable.h"
#include "command/check/check.h"
#include "command/classify/classify.h"
#include "command/doctor/doctor.h"
#include "command/fleet/refill.h"
#include "command/help.h"
#include "command/lmtp/lmtp.h"
#include "command/names.h"
#include "command/plan/plan.h"
#include "command/probe/probe.h"
#include "command/providers/providers.h"
#include "command/status/commands.h"
#include "command/token/token.h"
#include "config/nearest.h"

namespace relaypipe {
namespace {

constexpr const Command* kCommands[] = {
    &kPlanCommand,    &kProbeCommand,  &kCheckCommand, &kDoctorCommand,   &kStatusCommand,    &kLogCommand,
    &kSuspendCommand, &kResumeCommand, &kResetCommand, &kClassifyCommand, &kProvidersCommand, &kRefillCommand,
    &kLmtpCommand,    &kNamesCommand,  &kTokenCommand, &kHelpCommand,
};

}  // namespace

std::span<const Command* const> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  const auto* const command =
      std::find_if(std::begin(kCommands), std::end(kCommands), [&](const Command* c) { return c->name == name; });
  return command == std::end(kCommands) ? nullptr : *command;
}

std::string no_command(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Command* const command : kCommands)
    names.push_back(command->name);
  const auto near = nearest(name, names);
  return fmt::format("there is no command {}{}; `relaypipe help` lists them", clip(printable(name), 100),
                     near ? fmt::format("; did you mean {}?", *near) : "");
}

std::optional<std::string> unknown_command(const std::vector<std::string>& words) {
  if (words.empty()) return std::nullopt;
  const std::string& first = words.front();
  const bool word = !first.empty() && first.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == first.npos;
  if (!word || first.front() == '-' || find_command(first) != nullptr) return std::nullopt;
  // Recipients may stand first, but then there is a nexthop.
  const bool delivery =
      std::any_of(words.begin(), words.end(), [](const std::string& each) { return each.starts_with("--nexthop"); });
  return delivery ? std::nullopt : std::optional(no_command(first));
}

}  // namespace relaypipe
