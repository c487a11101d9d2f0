#include "command/pipe.h"

#include <algorithm>

#include "command/arguments.h"
#include "command/fleet/parts.h"
#include "command/token/token_parts.h"
#include "command/wiring/deliverer.h"
#include "command/wiring/https_parts.h"
#include "command/wiring/mail_log.h"
#include "command/wiring/outcome.h"
#include "command/wiring/request.h"
#include "command/wiring/state_parts.h"
#include "deliver/deliver.h"
#include "deliver/log_lines.h"
#include "io/cares_resolver.h"
#include "io/credentials/keyring.h"
#include "io/curl/dialer.h"
#include "io/pcre_matcher.h"
#include "io/system/local_time.h"
#include "io/system/own_host.h"
#include "io/system/parent_watch.h"
#include "io/system/poll_event_loop.h"
#include "io/system/spool_reader.h"
#include "io/system/standard_streams.h"
#include "io/system/system_clock.h"
#include "route/plan.h"
#include "verdict/exit_status.h"

namespace relaypipe {
namespace {

constexpr int kStdin = 0;

/// Everything that is known before the message is touched.
struct Request {
  const Configuration& configuration;  ///< outlives it
  Envelope envelope;
  RoutePlan plan;
  CommonArguments common;
  bool verbose = false;
  std::string id;  ///< what log lines begin with
};

Result<Request, Verdict> read_request(const Arguments& arguments, const LoadedConfiguration& loaded, Journal& journal,
                                      ParentWatch& parent, Instant started) {
  if (const auto error = configuration_error(loaded)) return fail(bad_configuration(*error));
  auto envelope = read_envelope(arguments.sender, arguments.recipients, arguments.size);
  if (!envelope) return fail(envelope.error());
  if (!arguments.nexthop) {
    return fail(bad_configuration("no relay: write --nexthop LIST, e.g. --nexthop [mail.example.com]:587"));
  }
  Request request{.configuration = loaded.configuration,
                  .envelope = *std::move(envelope),
                  .plan = {},
                  .common = static_cast<const CommonArguments&>(arguments),
                  .verbose = arguments.verbose,
                  .id = log_id(arguments.queue_id)};
  request.envelope.queue_id = arguments.queue_id;
  request.envelope.client = arguments.client;
  auto plan = plan_delivery(loaded.configuration, *arguments.nexthop, request.envelope,
                            started + loaded.configuration.run.deadline, &parent, journal);
  if (!plan) return fail(plan.error());
  request.plan = *std::move(plan);
  return request;
}

void print(const Verdict& verdict) {
  write_result(with_local_times(stdout_is_terminal() ? plain_line(verdict) : report_line(verdict)));
}

/// A delivery that never began: the line for Postfix, one for the log.
int refuse(const Verdict& verdict, Journal& journal, const std::string& id) {
  print(verdict);
  journal.line(Journal::Level::Warning, id + ": " + log_line(verdict));
  return exit_status(verdict);
}

/// Whether a relay of this delivery may have an account.
bool holds_secrets(const RoutePlan& plan) {
  return std::any_of(plan.legs.begin(), plan.legs.end(), [](const Leg& leg) { return leg.relay.account.any(); });
}

/// Whether a relay of this delivery has its tokens from an endpoint.
bool needs_tokens(const RoutePlan& plan) {
  return std::any_of(plan.legs.begin(), plan.legs.end(),
                     [](const Leg& leg) { return leg.relay.account.asks_endpoint(); });
}

OwnHost own_host_for(const Request& request) {
  const std::string& name = request.configuration.relay_defaults.hostname;
  return needs_own_addresses(request.plan) ? own_host(name, request.configuration.run) : OwnHost{name, {}};
}

int deliver_request(Request& request, ParentWatch& parent, Journal& journal, Instant started) {
  const RunSettings& settings = request.configuration.run;
  const SystemClock clock;
  StderrTrace trace;
  Trace* const tracing = request.verbose && stderr_is_separate() ? &trace : nullptr;
  if (holds_secrets(request.plan)) hide_memory();
  std::optional<TokenParts> tokens;
  if (needs_tokens(request.plan)) tokens.emplace(clock, settings, journal, request.id);
  AccountKeyring keyring(clock, request.envelope.sender.text(), tokens ? &tokens->broker : nullptr);
  CurlDialer dialer(clock, keyring, tracing);
  CaresResolver resolver({settings.dns_servers, settings.dns_timeout});
  Spool spool({settings.line_length_limit, settings.spool_memory, settings.spool_directory});
  SpoolReader reader(kStdin, spool);
  std::vector<Pollable*> parts{&parent, &reader, &resolver, &keyring, &dialer};
  // The broker's answers go on with the keyring, and those with the dialer.
  if (tokens) parts.insert(parts.begin(), {&tokens->names, &tokens->client, &tokens->broker});
  PollEventLoop event_loop(clock, parts);
  PcreMatcher patterns;
  StateParts state(settings, request.configuration.on_change, clock, journal, request.id);
  FleetParts fleet(request.configuration.fleet, settings, request.common, state, clock, journal);
  DeliveryHistory history(fleet.services(), request.envelope, started + settings.deadline);
  const HttpsServices https = https_services(state.wall());
  Services services{clock,   event_loop, dialer,  resolver,     spool,   parent,
                    journal, patterns,   history, state.lock(), tracing, &https};
  const OwnHost self = own_host_for(request);
  const DeliveryRequest delivery{request.envelope, request.plan, settings, self, Random(random_seed()), started};
  const Delivered delivered = deliver(delivery, services);
  const Verdict& verdict = delivered.verdicts.front();
  // Postfix first: nothing after this line can change what it is told.
  print(verdict);
  record_outcome(request.envelope, delivered, state, journal);
  if (verdict.disposition != Disposition::Delivered) warn_of_names(request.plan, journal, request.id);
  state.tell_trouble();
  fleet.start_refill(request.id);
  if (tokens) {
    tokens->finish(event_loop, clock, clock.now() + request.configuration.relay_defaults.secret_limit,
                   [&] { return parent.state(Parent::Look::Recent) == Parent::State::Present; });
  }
  return exit_status(verdict);
}

int run(const std::vector<std::string>& words, ParentWatch& parent, Instant started) {
  const auto arguments = parse_arguments(words);
  const LoadedConfiguration loaded = load_as_deliverer(arguments ? *arguments : Arguments());
  MailLog journal(loaded.configuration.run);
  if (arguments && arguments->verbose && !loaded.acting_as.empty() && stderr_is_separate()) {
    write_note("acting as " + loaded.acting_as);
  }
  if (!arguments) return refuse(bad_configuration("usage: " + arguments.error()), journal, log_id(""));
  auto request = read_request(*arguments, loaded, journal, parent, started);
  if (!request) return refuse(request.error(), journal, log_id(arguments->queue_id));
  return deliver_request(*request, parent, journal, started);
}

}  // namespace

int run_pipe(const std::vector<std::string>& words, Instant started) {
  ParentWatch parent;
  try {
    return run(words, parent, started);
  } catch (...) {
    if (!parent.has_accepted()) throw;
    return kExitDelivered;
  }
}

}  // namespace relaypipe
