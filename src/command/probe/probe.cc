#include "command/probe/probe.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "command/probe/json.h"
#include "command/probe/report.h"
#include "command/probe/run.h"
#include "command/wiring/deliverer.h"
#include "command/wiring/request.h"
#include "config/ehlo_name.h"
#include "io/credentials/file.h"
#include "io/system/own_host.h"
#include "io/system/standard_streams.h"
#include "relay/units.h"
#include "route/plan.h"

namespace relaypipe {
namespace {

constexpr int kSomeFail = 1;

struct ProbeArguments : CommonArguments {
  std::optional<std::string> sender;
  std::optional<std::string> recipient;
  std::optional<std::string> timeout;
  std::vector<std::string> words;  ///< relays, chains, lists
  bool json = false;
};

void declare(Options& options, ProbeArguments& arguments) {
  options.value("--mail-from", arguments.sender, "asks about this sender too, with MAIL and RSET", "SENDER");
  options.value("--rcpt-to", arguments.recipient,
                "asks about this recipient too, with RCPT; the sender is <> unless given", "RECIPIENT");
  options.value("--timeout", arguments.timeout, "the longest it may take (default: 30s)", "SPAN");
  options.common(arguments);
  options.flag("--json", arguments.json, "for programs");
  options.words("RELAY", arguments.words, "relays, chains or lists (default: every configured relay)");
}

/// The relays of the configuration, in the order in which they are written.
std::vector<std::string> names_as_written(const Configuration& configuration) {
  std::vector<const RelayConfig*> relays;
  for (const auto& [name, relay] : configuration.relays)
    relays.push_back(&relay);
  std::sort(relays.begin(), relays.end(), [](const RelayConfig* a, const RelayConfig* b) {
    return std::pair(a->at.line, a->at.column) < std::pair(b->at.line, b->at.column);
  });
  std::vector<std::string> names;
  names.reserve(relays.size());
  for (const RelayConfig* const relay : relays)
    names.push_back(relay->name);
  return names;
}

/// The relays that the words name, each once; all of the configuration where there are no words.
Result<std::vector<Relay>, std::string> wanted_relays(const std::vector<std::string>& words,
                                                      const Configuration& configuration) {
  std::vector<Relay> relays;
  for (const std::string& word : words.empty() ? names_as_written(configuration) : words) {
    auto named = relays_named(configuration, word, service_port);
    if (!named) return fail(word + ": " + named.error());
    for (Relay& relay : *named) {
      const bool known =
          std::any_of(relays.begin(), relays.end(), [&](const Relay& r) { return r.name == relay.name; });
      if (!known) relays.push_back(std::move(relay));
    }
  }
  if (relays.empty()) return fail(std::string("no relay is configured: write one, e.g. [mail.example.com]:587"));
  return relays;
}

Result<ProbeOrder, std::string> make_order(const ProbeArguments& arguments, const Configuration& configuration) {
  auto relays = wanted_relays(arguments.words, configuration);
  if (!relays) return fail(relays.error());
  ProbeOrder order{
      .configuration = configuration, .relays = *std::move(relays), .mail_from = {}, .rcpt_to = {}, .progress = {}};
  if (arguments.sender) {
    auto sender = parse_sender(*arguments.sender);
    if (!sender) return fail("--mail-from: " + sender.error());
    order.mail_from = *std::move(sender);
  }
  if (arguments.recipient) {
    auto recipient = parse_address(*arguments.recipient);
    if (!recipient) return fail("--rcpt-to: " + recipient.error());
    order.rcpt_to = *std::move(recipient);
    if (!order.mail_from) order.mail_from = Address();
  }
  const auto limit = parse_duration(arguments.timeout.value_or("30s"));
  if (!limit) return fail("--timeout: " + limit.error());
  order.limit = *limit;
  if (stderr_is_terminal()) order.progress = write_progress;
  return order;
}

/// What holds for all relays: as whom they were seen, and a name for EHLO that they may refuse.
std::string remarks(const LoadedConfiguration& loaded, const std::vector<Relay>& relays) {
  std::string text;
  if (!loaded.acting_as.empty()) text += "seen as " + loaded.acting_as + "\n";
  for (const Relay& relay : relays) {
    if (const auto problem = ehlo_name_problem(relay.settings->hostname)) return text + "warning: " + *problem + "\n";
  }
  return text;
}

int run(const ProbeArguments& arguments) {
  const LoadedConfiguration loaded = load_as_deliverer(arguments);
  if (const auto error = configuration_error(loaded)) return refuse_as(arguments.json, *error);
  const auto order = make_order(arguments, loaded.configuration);
  if (!order) return refuse_as(arguments.json, order.error());
  const bool secrets =
      std::any_of(order->relays.begin(), order->relays.end(), [](const Relay& relay) { return relay.account.any(); });
  if (secrets) hide_memory();
  const std::vector<RelayProbe> probes = run_probes(*order);
  if (order->progress) order->progress("");
  const std::int64_t now = std::time(nullptr);
  write_text(arguments.json ? probe_json(probes, now) : probe_text(probes, now, stdout_columns()));
  if (!arguments.json) write_text(remarks(loaded, order->relays));
  const bool failed = std::any_of(probes.begin(), probes.end(),
                                  [](const RelayProbe& relay) { return relay.status() == ProbeStatus::Failed; });
  return failed ? kSomeFail : kDone;
}

}  // namespace

const Command kProbeCommand{
    "probe", "opens a session to every relay, without sending mail",
    "Opens a session to every address of the relays, as a delivery would, and says what it found. Sends no mail. Exit "
    "status: 0 every relay would take mail, 1 one would not, 2 bad input.",
    start<ProbeArguments, declare, run>};

}  // namespace relaypipe
