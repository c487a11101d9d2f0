#include "frontend/pipe.h"

#include <algorithm>

#include "config/destination.h"
#include "config/units.h"
#include "deliver/deliver.h"
#include "frontend/arguments.h"
#include "io/caller_watch.h"
#include "io/cares_resolver.h"
#include "io/curl_dialer.h"
#include "io/own_host.h"
#include "io/poll_waiter.h"
#include "io/spool.h"
#include "io/standard_streams.h"
#include "io/syslog_journal.h"
#include "io/system_clock.h"
#include "route/plan.h"
#include "verdict/exit_status.h"

namespace relaypipe {
namespace {

constexpr EnhancedStatus kBadConfiguration{4, 3, 5};
constexpr int kStdin = 0;

/// Everything that is known before the world is touched. A Verdict instead of it: the delivery cannot begin.
struct Request {
  Settings settings;
  Envelope envelope;
  RoutePlan plan;
  bool verbose = false;
};

Verdict bad_configuration(const std::string& text) { return refused_verdict(kBadConfiguration, text); }

Result<Settings, Verdict> read_settings(const Arguments& arguments) {
  Settings settings;
  if (arguments.config)
    return fail(
        bad_configuration("--config " + *arguments.config + ": configuration files are not known to this version"));
  for (const std::string& assignment : arguments.settings) {
    if (const auto wrong = apply_setting(settings, assignment)) return fail(bad_configuration("-o " + *wrong));
  }
  const auto problems = settings_problems(settings);
  if (!problems.empty()) return fail(bad_configuration("-o: " + problems.front()));
  if (settings.hostname.empty()) settings.hostname = machine_name();
  return settings;
}

/// A bad address is the address's own fault and hard. With several recipients one result serves all, so a single bad
/// one defers.
std::optional<Verdict> read_addresses(const Arguments& arguments, Envelope& envelope) {
  if (!arguments.sender) return bad_configuration("no sender: write -f SENDER, or -f '' for the null sender");
  auto sender = parse_sender(*arguments.sender);
  if (!sender) return refused_verdict({5, 1, 7}, "bad sender address <" + *arguments.sender + ">: " + sender.error());
  envelope.sender = *sender;
  std::optional<std::string> wrong;
  for (const std::string& text : arguments.recipients) {
    auto recipient = parse_address(text);
    if (recipient)
      envelope.recipients.push_back(*recipient);
    else if (!wrong)
      wrong = "bad recipient address <" + text + ">: " + recipient.error();
  }
  if (!wrong && envelope.recipients.empty()) return bad_configuration("no recipient: write them after --");
  if (!wrong) return std::nullopt;
  if (envelope.recipients.empty()) return refused_verdict({5, 1, 3}, *wrong);
  return refused_verdict({4, 1, 3},
                         *wrong +
                             "; nothing was sent to the other recipients of this request, because pipe(8) takes one "
                             "result for all: set relaypipe_destination_recipient_limit = 1");
}

Result<Request, Verdict> read_request(const Arguments& arguments) {
  Request request;
  request.verbose = arguments.verbose;
  request.envelope.queue_id = arguments.queue_id;
  request.envelope.client = arguments.client;
  auto settings = read_settings(arguments);
  if (!settings) return fail(settings.error());
  request.settings = *std::move(settings);
  if (arguments.size) {
    const auto size = parse_count(*arguments.size, 0, UINT64_MAX);
    if (!size) return fail(bad_configuration("--size " + *arguments.size + ": " + size.error()));
    request.envelope.announced_size = *size;
  }
  if (auto wrong = read_addresses(arguments, request.envelope)) return fail(*std::move(wrong));
  if (!arguments.nexthop)
    return fail(bad_configuration("no relay: write --nexthop LIST, e.g. --nexthop [mail.example.com]:587"));
  const auto destinations = parse_nexthop(*arguments.nexthop, service_port);
  if (!destinations) return fail(bad_configuration("nexthop: " + destinations.error()));
  request.plan = plan_list(*destinations, request.settings, request.envelope);
  return request;
}

void print(const Verdict& verdict) { write_result(stdout_is_terminal() ? plain_line(verdict) : report_line(verdict)); }

/// A delivery that never began: the line for Postfix, one for the log.
int refuse(const Arguments& arguments, const Settings& settings, const Verdict& verdict) {
  print(verdict);
  Envelope envelope;
  envelope.queue_id = arguments.queue_id;
  envelope.recipients.emplace_back();
  SyslogJournal journal(settings.syslog_socket, settings.syslog_ident);
  const std::string id = arguments.queue_id.empty() ? "NOQUEUE" : arguments.queue_id;
  journal.line(Journal::Level::Warning, id + ": " + report_line(verdict));
  return exit_status(verdict);
}

/// Own addresses matter only where a message can come back: a relay on port 25.
OwnHost self_for(const Request& request) {
  const bool needed = std::any_of(request.plan.legs.begin(), request.plan.legs.end(),
                                  [](const Leg& leg) { return leg.relay.destination.port == 25; });
  return needed ? own_host(request.settings) : OwnHost{request.settings.hostname, {}};
}

int deliver_request(const Request& request, CallerWatch& caller, Instant started, bool& accepted) {
  const Settings& settings = request.settings;
  const SystemClock clock;
  StderrTrace trace;
  Trace* const tracing = request.verbose && stderr_is_separate() ? &trace : nullptr;
  SyslogJournal journal(settings.syslog_socket, settings.syslog_ident);
  CurlDialer dialer(clock, tracing);
  CaresResolver resolver({settings.dns_servers, settings.dns_timeout});
  Spool spool(kStdin, {settings.line_length_limit, settings.spool_memory, settings.spool_directory});
  PollWaiter waiter(clock, {&caller, &spool, &resolver, &dialer});
  World world{clock, waiter, dialer, resolver, spool, caller, journal, tracing};
  const OwnHost self = self_for(request);
  const Order order{request.envelope, request.plan, settings, self, Random(random_seed()), started};
  const Delivered delivered = deliver(order, world, accepted);
  // Postfix first: nothing after this line can change what it is told.
  print(delivered.verdict);
  const bool sent = delivered.verdict.disposition == Disposition::Delivered;
  for (const std::string& line : verdict_lines(request.envelope, delivered.verdict, delivered.delays)) {
    journal.line(sent ? Journal::Level::Info : Journal::Level::Warning, line);
  }
  return exit_status(delivered.verdict);
}

}  // namespace

int run_pipe(const std::vector<std::string>& words, Instant started, bool& accepted) {
  CallerWatch caller;
  auto arguments = parse_arguments(words);
  if (!arguments) return refuse({}, {}, bad_configuration("usage: " + arguments.error()));
  const auto request = read_request(*arguments);
  if (!request) return refuse(*arguments, {}, request.error());
  return deliver_request(*request, caller, started, accepted);
}

}  // namespace relaypipe
