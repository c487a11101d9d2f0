#include "command/wiring/request.h"

#include <fmt/format.h>

#include "base/printable.h"
#include "base/random.h"
#include "config/setting_keys.h"
#include "config/settings_problems.h"
#include "deliver/log_lines.h"
#include "io/policy_client.h"
#include "io/system/own_host.h"
#include "io/system/poll_event_loop.h"
#include "io/system/system_clock.h"
#include "io/system/time_zones.h"
#include "io/toml_config.h"
#include "relay/units.h"
#include "route/plan.h"
#include "route/policy.h"

namespace relaypipe {
namespace {

constexpr Duration kPolicyLimit = std::chrono::seconds(5);

/// Which time zones there are is the machine's to tell. Without its zone a quota would end at the wrong hour.
void check_zones(LoadedConfiguration& loaded) {
  for (const auto& [name, relay] : loaded.configuration.relays) {
    for (const LimitRule& rule : relay.limits.rules) {
      if (zone_exists(rule.zone)) continue;
      const std::string meant = nearest_zone(rule.zone);
      loaded.problems.push_back(
          {ConfigProblem::Severity::Error, rule.at,
           fmt::format("[relay.{}] quota: this machine has no time zone \"{}\"; {}", printable(name), rule.zone,
                       meant.empty()
                           ? "`timedatectl list-timezones` lists them; their data come with the package tzdata"
                           : fmt::format("did you mean {}?", meant))});
    }
  }
}

/// The server's answer, or nothing where nobody waits for the result any more.
std::optional<PolicyClient::Answer> ask_policy(const std::string& endpoint, std::string request, Instant deadline,
                                               ParentWatch* parent) {
  const SystemClock clock;
  PolicyClient client(endpoint, std::move(request), Deadline(deadline).step(clock.now(), kPolicyLimit));
  std::vector<Pollable*> parts{&client};
  if (parent != nullptr) parts.push_back(parent);
  PollEventLoop event_loop(clock, parts);
  while (!client.answer() && (parent == nullptr || parent->state(Parent::Look::Recent) == Parent::State::Present))
    event_loop.wait(Instant::max());
  return client.answer();
}

}  // namespace

LoadedConfiguration load(const CommonArguments& arguments, ConfigOwners owners) {
  LoadedConfiguration loaded;
  loaded.file = arguments.config.value_or(kDefaultConfigFile);
  std::vector<ConfigProblem> wrong;
  RunSettings run;
  RelaySettings defaults;
  for (const std::string& assignment : arguments.settings) {
    if (auto text = apply_setting(run, defaults, assignment)) {
      wrong.push_back({ConfigProblem::Severity::Error, {"-o", 0, 0}, *std::move(text)});
    }
  }
  for (SettingsProblem& problem : settings_problems(defaults)) {
    wrong.push_back({ConfigProblem::Severity::Error, {"-o", 0, 0}, std::move(problem.text)});
  }
  const std::vector<std::string> overrides = wrong.empty() ? arguments.settings : std::vector<std::string>{};
  loaded.configuration = load_configuration(loaded.file, arguments.config.has_value(), service_port, overrides,
                                            loaded.problems, owners, &loaded.documents);
  loaded.problems.insert(loaded.problems.begin(), wrong.begin(), wrong.end());
  check_zones(loaded);
  // The machine's own name where none is configured; asked for once.
  std::string name;
  const auto fill = [&](RelaySettings& settings) {
    if (!settings.hostname.empty()) return;
    if (name.empty()) name = machine_name();
    settings.hostname = name;
  };
  loaded.own_name = loaded.configuration.relay_defaults.hostname.empty();
  fill(loaded.configuration.relay_defaults);
  for (auto& [key, relay] : loaded.configuration.relays)
    fill(relay.settings);
  return loaded;
}

std::optional<std::string> configuration_error(const LoadedConfiguration& loaded) {
  const ConfigProblem* const error = first_error(loaded.problems);
  if (error == nullptr) return std::nullopt;
  return error->line() + "; `relaypipe check` shows all problems";
}

Result<Choice, Verdict> choose_nexthop(const Configuration& configuration, const std::string& nexthop,
                                       const Envelope& envelope, Instant deadline, ParentWatch* parent) {
  const auto last = follow_rules(configuration, nexthop, envelope);
  if (!last) return fail(bad_configuration("nexthop: " + last.error()));
  const ChainConfig* chain = configuration.chain(last->nexthop);
  if (chain == nullptr || chain->policy.empty()) return Choice{nexthop, "", false};
  const std::string server = "policy server " + chain->policy + " of chain " + chain->name;
  const auto answer = ask_policy(chain->policy, policy_request(envelope, chain->name), deadline, parent);
  if (!answer) return Choice{nexthop, "", false};
  const auto decision = *answer ? parse_policy_answer(**answer, configuration, service_port)
                                : Result<PolicyDecision, std::string>(fail(answer->error()));
  if (!decision) return Choice{nexthop, server + ": " + decision.error() + "; the chain is used as it is", true};
  if (const auto* stop = std::get_if<Stop>(&*decision)) return fail(refused_verdict(stop->status, stop->text));
  const auto* use = std::get_if<UseNexthop>(&*decision);
  if (use == nullptr) return Choice{nexthop, server + " leaves the choice to the chain", false};
  return Choice{use->nexthop, server + " chooses " + use->nexthop, false};
}

Result<RoutePlan, Verdict> plan_delivery(const Configuration& configuration, const std::string& nexthop,
                                         const Envelope& envelope, Instant deadline, ParentWatch* parent,
                                         Journal& journal) {
  const auto choice = choose_nexthop(configuration, nexthop, envelope, deadline, parent);
  if (!choice) return fail(choice.error());
  if (choice->trouble) journal.line(Journal::Level::Warning, log_id(envelope.queue_id) + ": " + choice->note);
  auto plan = plan_route(configuration, choice->nexthop, envelope, service_port, Random(random_seed()));
  if (plan) return *std::move(plan);
  if (plan.error().status.klass == 5) return fail(refused_verdict(plan.error().status, plan.error().text));
  return fail(bad_configuration("nexthop: " + plan.error().text));
}

Verdict bad_configuration(const std::string& text) { return refused_verdict({4, 3, 5}, text); }

Result<Envelope, Verdict> read_envelope(const std::optional<std::string>& sender,
                                        const std::vector<std::string>& recipients,
                                        const std::optional<std::string>& size) {
  Envelope envelope;
  if (!sender) return fail(bad_configuration("no sender: write -f SENDER, or -f '' for the null sender"));
  const auto from = parse_sender(*sender);
  if (!from) return fail(refused_verdict({5, 1, 7}, "bad sender address <" + *sender + ">: " + from.error()));
  envelope.sender = *from;
  std::optional<std::string> wrong;
  for (const std::string& text : recipients) {
    auto recipient = parse_address(text);
    if (recipient)
      envelope.recipients.push_back(*std::move(recipient));
    else if (!wrong)
      wrong = "bad recipient address <" + text + ">: " + recipient.error();
  }
  if (wrong && envelope.recipients.empty()) return fail(refused_verdict({5, 1, 3}, *wrong));
  if (wrong) {
    return fail(refused_verdict(
        {4, 1, 3}, *wrong + "; nothing was sent to the other recipients of this request, because pipe(8) takes "
                            "one result for all: set relaypipe_destination_recipient_limit = 1"));
  }
  if (envelope.recipients.empty()) return fail(bad_configuration("no recipient: write them after --"));
  if (size) {
    const auto octets = parse_count(*size, 0, UINT64_MAX);
    if (!octets) return fail(bad_configuration("size " + *size + ": " + octets.error()));
    envelope.announced_size = *octets;
  }
  return envelope;
}

}  // namespace relaypipe
