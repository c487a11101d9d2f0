#include "command/fleet/refill.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "command/fleet/parts.h"
#include "command/wiring/deliverer.h"
#include "command/wiring/mail_log.h"
#include "config/document_reader.h"
#include "io/system/own_host.h"
#include "io/system/standard_streams.h"
#include "io/system/system_clock.h"
#include "route/plan.h"

namespace relaypipe {
namespace {

constexpr int kNoAnswer = 1;

struct RefillArguments : CommonArguments {
  std::vector<std::string> relays;  ///< none: all
};

void declare(Options& options, RefillArguments& arguments) {
  options.words("RELAY", arguments.relays, "relays of the configuration; default: all");
  options.common(arguments);
}

std::vector<Relay> relays_of(const Configuration& configuration, std::vector<std::string> names) {
  if (names.empty()) {
    for (const auto& [name, relay] : configuration.relays)
      names.push_back(name);
  }
  std::vector<Relay> relays;
  for (const std::string& name : names) {
    if (configuration.relay(name) == nullptr) continue;
    auto found = relays_named(configuration, name, service_port);
    if (found) relays.push_back(std::move(found->front()));
  }
  return relays;
}

/// What is wrong with the names; empty where all are relays of the configuration.
std::string names_problem(const Configuration& configuration, const std::vector<std::string>& names) {
  const auto unknown = std::find_if(names.begin(), names.end(),
                                    [&](const std::string& name) { return configuration.relay(name) == nullptr; });
  if (unknown == names.end()) return "";
  std::vector<std::string_view> candidates;
  for (const auto& [name, relay] : configuration.relays)
    candidates.push_back(name);
  return fmt::format("there is no relay {}{}", printable(*unknown),
                     suggestion(*unknown, candidates, "`relaypipe status` shows all that are known"));
}

int run(const RefillArguments& arguments) {
  const LoadedConfiguration loaded = load_as_deliverer(arguments);
  if (const auto error = configuration_error(loaded)) return refuse(*error);
  const Configuration& configuration = loaded.configuration;
  if (!configuration.fleet) return refuse("there is no [fleet] in " + loaded.file);
  if (!configuration.run.use_state) return refuse("nothing is remembered: state = no", kNoAnswer);
  if (const auto problem = state_directory_problem(loaded)) return refuse(*problem, kNoAnswer);
  const SystemClock clock;
  MailLog journal(configuration.run);
  StateParts state(configuration.run, configuration.on_change, clock, journal, "fleet");
  FleetSync sync(fleet_services(*configuration.fleet, configuration.run, state, clock, journal));
  std::string problem;
  for (const Relay& relay : relays_of(configuration, arguments.relays)) {
    const FleetSync::End end = sync.exchange(relay, std::nullopt);
    if (end == FleetSync::End::Failed) problem = sync.problem();
  }
  state.tell_trouble();
  if (!problem.empty()) return refuse(fmt::format("{}: {}", configuration.fleet->url, printable(problem)), kNoAnswer);
  // Of several the others were asked about: whoever started this may have an older configuration.
  const std::string mistake = names_problem(configuration, arguments.relays);
  return mistake.empty() ? kDone : refuse(mistake);
}

}  // namespace

const Command kRefillCommand{"refill", "asks the fleet's store for slices of quotas; deliveries do so by themselves",
                             "Exchanges with the fleet's store what concerns the relays: slices of quotas and rates, "
                             "suspensions, outages. Exit status: 0 done, 1 the store did not answer or nothing can be "
                             "remembered, 2 wrong command line or configuration.",
                             start<RefillArguments, declare, run>};

}  // namespace relaypipe
