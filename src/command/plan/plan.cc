#include "command/plan/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "command/plan/json.h"
#include "command/plan/state.h"
#include "command/wiring/deliverer.h"
#include "command/wiring/request.h"
#include "command/wiring/text.h"
#include "config/ehlo_name.h"
#include "io/cares_resolver.h"
#include "io/system/local_time.h"
#include "io/system/own_host.h"
#include "io/system/poll_event_loop.h"
#include "io/system/standard_streams.h"
#include "io/system/system_clock.h"
#include "relay/units.h"
#include "route/endpoint_lookup.h"

namespace relaypipe {
namespace {

constexpr int kNoPlan = 1;

struct PlanArguments : CommonArguments {
  std::optional<std::string> sender;
  std::vector<std::string> recipients;
  std::optional<std::string> nexthop;
  std::optional<std::string> size;
  bool explain = false;
  bool resolve = false;
  bool json = false;
};

void declare(Options& options, PlanArguments& arguments) {
  options.value("--from", arguments.sender, "envelope sender; '' or <> is the null sender", "SENDER");
  options.values("--to", arguments.recipients, "envelope recipient; may be given several times", "RECIPIENT");
  options.value("--nexthop", arguments.nexthop, "a chain, or a list (default: the only chain of the configuration)",
                "CHAIN|LIST");
  options.value("--size", arguments.size, "size of the message in octets", "N");
  options.flag("--explain", arguments.explain, "the rules that were followed, and what holds for each relay");
  options.flag("--resolve", arguments.resolve, "look the addresses up");
  options.common(arguments);
  options.flag("--json", arguments.json, "for programs");
}

/// Asks DNS for one relay, as a delivery would.
Resolved resolve(const Relay& relay, const RunSettings& settings, const OwnHost& self) {
  const SystemClock clock;
  CaresResolver resolver({settings.dns_servers, settings.dns_timeout});
  PollEventLoop event_loop(clock, {&resolver});
  EndpointLookup reach(relay, self, Random(random_seed()), clock.now());
  while (true) {
    for (const Query& query : reach.take_queries())
      resolver.ask(query);
    for (const LookupEvent& event : resolver.take_answers())
      reach.answer(event.query, event.answer, clock.now());
    const auto outcome = reach.result(clock.now());
    if (!outcome) {
      event_loop.wait(reach.wake(clock.now()));
      continue;
    }
    const Peer peer{relay.name, relay.destination.host, "", relay.destination.port};
    if (!*outcome) return {{}, describe({peer, outcome->error(), {}, {}})};
    Resolved resolved;
    for (const Endpoint& endpoint : **outcome) {
      resolved.addresses.push_back(Peer{relay.name, endpoint.host, endpoint.address.text(), endpoint.port}.text());
    }
    return resolved;
  }
}

std::string_view name(TlsLevel level) {
  switch (level) {
    case TlsLevel::None: return "none";
    case TlsLevel::May: return "may";
    case TlsLevel::Encrypt: return "encrypt";
    case TlsLevel::Verify: break;
  }
  return "verify";
}

std::string senders(const ReserveRule& reserve) {
  std::string text;
  for (const AddressPattern& pattern : reserve.senders)
    text += (text.empty() ? "" : " ") + printable(pattern.written());
  return text;
}

/// What may be sent over a relay, where there is a limit, in the columns of the terminal.
std::string limits_lines(const Limits& limits) {
  if (!limits.any()) return {};
  std::vector<std::string> parts;
  for (const LimitRule& rule : limits.rules) {
    parts.push_back(
        fmt::format("{} {}{}", rule.is_rate ? "rate" : "quota", rule.text, rule.published() ? " (published)" : ""));
  }
  if (limits.connections != 0) parts.push_back(fmt::format("{} connections", limits.connections));
  if (limits.reserve.percent != 0) {
    parts.push_back(fmt::format("{} % of quotas kept for {}", limits.reserve.percent, senders(limits.reserve)));
  }
  return wrapped(fmt::format("at most {}", fmt::join(parts, ", ")), 7, stdout_columns());
}

/// What `--explain` adds for a relay.
std::string explained(const Relay& relay) {
  const Destination& destination = relay.destination;
  if (destination.https) {
    return fmt::format("       by HTTPS, the interface of {}; TLS verify; connect within {}\n{}", relay.provider,
                       format_duration(relay.settings->limits.connect), limits_lines(relay.limits));
  }
  const std::string_view lookup = destination.lookup == Lookup::Address ? "addresses of the host"
                                  : destination.lookup == Lookup::Srv || relay.settings->srv
                                      ? "SRV, then MX of the domain"
                                      : "MX of the domain";
  const std::string_view tls = destination.implicit_tls ? "implicit, " : "";
  return fmt::format("       by {}; TLS {}{}; connect within {}\n{}", lookup, tls, name(relay.settings->tls),
                     format_duration(relay.settings->limits.connect), limits_lines(relay.limits));
}

/// What becomes of the sender at a relay, and of an address in From: of any, or of that of the sender.
std::string rewriting_lines(const Relay& relay, const Address& sender) {
  const auto line = [&](std::string_view what, const AddressRewriting& rewriting) {
    const auto changed = rewritten(rewriting, sender, relay.settings->recipient_delimiter);
    if (!changed) return std::string();
    return wrapped(fmt::format("{} becomes {}", what, printable(changed->path())), 7, stdout_columns());
  };
  const SenderRewriting& rewriting = relay.rewriting;
  const std::string own = "From of " + printable(sender.path());
  return line("sender", rewriting.envelope_sender) +
         line(rewriting.header_from.is_constant() ? "From" : own, rewriting.header_from);
}

std::string addresses(const Resolved& resolved) {
  std::string text;
  for (const std::string& address : resolved.addresses)
    text += "       " + address + "\n";
  return resolved.failure.empty() ? text : text + "       " + resolved.failure + "\n";
}

std::string table(const RoutePlan& plan, const std::vector<Resolved>& resolved, const Address& sender, bool explain) {
  const bool terminal = stdout_is_terminal();
  std::size_t name_width = 0;
  std::size_t destination_width = 11;
  for (const Leg& leg : plan.legs) {
    // A relay written in the nexthop is its own name: said once.
    const bool named = leg.relay.name != leg.relay.destination.text;
    if (named) name_width = std::max(name_width, std::min<std::size_t>(leg.relay.name.size(), 20));
    destination_width = std::max(destination_width, std::min<std::size_t>(leg.relay.destination.text.size(), 34));
  }
  std::string text;
  for (std::size_t i = 0; i < plan.legs.size(); ++i) {
    const Leg& leg = plan.legs[i];
    const bool named = leg.relay.name != leg.relay.destination.text;
    const std::string column = fmt::format("{:<{}}  ", named ? leg.relay.name : "", name_width);
    const std::string relay = name_width > 0 ? column : "";
    const std::string where = fmt::format("{}{:<{}}", relay, leg.relay.destination.text, destination_width);
    text += fmt::format("{:>4}  {}  {}\n", i + 1, bold(where, terminal), leg.reason);
    text += rewriting_lines(leg.relay, sender);
    if (explain) text += explained(leg.relay);
    if (i < resolved.size()) text += addresses(resolved[i]);
  }
  for (const SkippedRelay& skipped : plan.skipped)
    text += fmt::format("   -  {:<{}}  {}\n", skipped.relay, name_width, skipped.reason);
  return text;
}

std::string report(const RoutePlan& plan, const std::vector<Resolved>& resolved, const Envelope& envelope,
                   const std::string& note, bool explain) {
  std::string to;
  for (const Address& recipient : envelope.recipients)
    to += (to.empty() ? "" : ", ") + recipient.path();
  std::string text = fmt::format("from {} to {}, by {}\n", printable(envelope.sender.path()), printable(to),
                                 plan.chain.empty() ? "a list" : "chain " + plan.chain);
  if (!note.empty()) text += wrapped(note, 2, stdout_columns());
  if (explain) {
    for (const std::string& step : plan.steps)
      text += "  " + step + "\n";
  }
  return text + table(plan, resolved, envelope.sender, explain);
}

/// A word on the first EHLO name of the plan that relays may refuse.
std::string name_warning(const RoutePlan& plan) {
  for (const Leg& leg : plan.legs) {
    if (const auto problem = ehlo_name_problem(leg.relay.settings->hostname))
      return wrapped("warning: " + *problem, 0, stdout_columns());
  }
  return "";
}

/// The nexthop of the command line, or the only chain there is.
Result<std::string, std::string> nexthop_of(const PlanArguments& arguments, const Configuration& configuration) {
  if (arguments.nexthop) return *arguments.nexthop;
  if (configuration.chains.size() == 1) return configuration.chains.begin()->first;
  std::string known;
  for (const auto& [chain, config] : configuration.chains)
    known += (known.empty() ? "" : ", ") + chain;
  return fail(known.empty() ? std::string("no chain is configured: write --nexthop LIST")
                            : "write --nexthop with one of " + known + ", or a list");
}

/// The plan after the policy server was asked; what that showed goes to `note`.
Result<RoutePlan, std::string> make_plan(const Configuration& configuration, const std::string& nexthop,
                                         const Envelope& envelope, std::string& note) {
  const auto choice = choose_nexthop(configuration, nexthop, envelope, Instant::max(), nullptr);
  if (!choice) return fail("not delivered: " + log_line(choice.error()));
  note = choice->note;
  auto plan = plan_route(configuration, choice->nexthop, envelope, service_port, Random(random_seed()));
  if (!plan) return fail(plan.error().text);
  return *std::move(plan);
}

int run(const PlanArguments& arguments) {
  const auto bad_input = [&](const std::string& text) { return refuse_as(arguments.json, text); };
  const LoadedConfiguration loaded = load_as_deliverer(arguments);
  if (const auto error = configuration_error(loaded)) return bad_input(*error);
  if (!arguments.sender || arguments.recipients.empty()) return bad_input("write --from SENDER and --to RECIPIENT");
  const auto envelope = read_envelope(arguments.sender, arguments.recipients, arguments.size);
  if (!envelope) return bad_input(envelope.error().text);
  const auto nexthop = nexthop_of(arguments, loaded.configuration);
  if (!nexthop) return bad_input(nexthop.error());
  std::string note;
  auto plan = make_plan(loaded.configuration, *nexthop, *envelope, note);
  if (!plan) return refuse_as(arguments.json, plan.error(), kNoPlan);
  order_as_remembered(*plan, loaded, *envelope);
  std::vector<Resolved> resolved;
  if (arguments.resolve) {
    const OwnHost self = own_host(loaded.configuration.relay_defaults.hostname, loaded.configuration.run);
    for (const Leg& leg : plan->legs)
      resolved.push_back(resolve(leg.relay, loaded.configuration.run, self));
  }
  write_text(arguments.json
                 ? plan_json(*plan, resolved, *envelope, note)
                 : with_local_times(report(*plan, resolved, *envelope, note, arguments.explain)) + name_warning(*plan));
  return kDone;
}

}  // namespace

const Command kPlanCommand{"plan", "which relays, in which order, and why; sends nothing",
                           "Shows which relays a message would go to, in which order, and why. Sends nothing. Exit "
                           "status: 0 there is a plan, 1 there is none, 2 bad input.",
                           start<PlanArguments, declare, run>};

}  // namespace relaypipe
