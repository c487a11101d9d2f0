#include "command/lmtp/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "command/lmtp/limits.h"
#include "command/wiring/https_parts.h"
#include "command/wiring/outcome.h"
#include "io/base/file_stamp.h"
#include "io/credentials/stamp.h"
#include "io/system/change_hook.h"
#include "io/system/own_host.h"
#include "io/system/standard_streams.h"
#include "io/system/system_clock.h"
#include "route/plan.h"
#include "state/state_record.h"

namespace relaypipe {
namespace {

/// Remembers for whom a relay has taken the message.
class AcceptedRecipients final : public Parent {
 public:
  explicit AcceptedRecipients(Parent& parent) : parent_(parent) {}

  [[nodiscard]] State state(Look look) override { return parent_.state(look); }
  void accepted(std::span<const std::size_t> recipients) override {
    places_.insert(places_.end(), recipients.begin(), recipients.end());
  }
  [[nodiscard]] const std::vector<std::size_t>& places() const { return places_; }

 private:
  Parent& parent_;
  std::vector<std::size_t> places_;
};

RunSettings bounded(RunSettings settings) {
  settings.deadline = std::min(settings.deadline, kLongestLmtpDelivery);
  return settings;
}

/// Whether a relay of the configuration may have its tokens from an endpoint.
bool needs_tokens(const Configuration& configuration) {
  return std::any_of(configuration.relays.begin(), configuration.relays.end(),
                     [](const auto& one) { return one.second.account.asks_endpoint(); });
}

bool holds_secrets(const Configuration& configuration) {
  const auto has_account = [](const auto& one) { return one.second.account.any(); };
  return !configuration.relay_defaults.password_map.empty() ||
         std::any_of(configuration.relays.begin(), configuration.relays.end(), has_account);
}

void append(std::vector<Pollable*>& parts, std::initializer_list<Pollable*> more) { parts.insert(parts.end(), more); }

}  // namespace

LmtpEngine::LmtpEngine(LoadedConfiguration loaded, CommonArguments arguments, std::string nexthop, const Clock& clock,
                       ParentWatch& parent, LmtpConnection& connection)
    : loaded_(std::move(loaded)),
      settings_(bounded(loaded_.configuration.run)),
      nexthop_(std::move(nexthop)),
      clock_(clock),
      parent_(parent),
      journal_(settings_),
      keyring_(clock, "", nullptr),
      dialer_(clock, keyring_, nullptr),
      state_(settings_, loaded_.configuration.on_change, clock, journal_, log_id("")),
      fleet_(loaded_.configuration.fleet, settings_, std::move(arguments), state_, clock, journal_),
      backlog_([this] { return fleet_.services(); }),
      places_(state_),
      pool_(
          clock, dialer_, [this](const DialTarget& target) { return session_key(target); }, &places_),
      resolver_({settings_.dns_servers, settings_.dns_timeout}),
      stamp_(configuration_stamp()),
      name_only_{loaded_.configuration.relay_defaults.hostname, {}} {
  std::vector<Pollable*> parts{&parent, &connection, &backlog_};
  if (needs_tokens(loaded_.configuration)) {
    tokens_.emplace(clock, settings_, journal_, log_id(""));
    keyring_.use_tokens(tokens_->broker);
    append(parts, {&tokens_->names, &tokens_->client, &tokens_->broker});
  }
  append(parts, {&resolver_, &keyring_, &dialer_, &pool_});
  event_loop_ = std::make_unique<PollEventLoop>(clock, std::move(parts));
  if (holds_secrets(loaded_.configuration)) hide_memory();
}

LmtpEngine::~LmtpEngine() { state_.close(); }

void LmtpEngine::finish() {
  backlog_.write();
  if (!tokens_) return;
  // The client may be gone: that it ends the connection is the usual end.
  tokens_->finish(*event_loop_, clock_, clock_.now() + loaded_.configuration.relay_defaults.secret_limit,
                  [&] { return parent_.state(Parent::Look::Recent) != Parent::State::Terminating; });
}

std::string LmtpEngine::configuration_stamp() const {
  std::string stamp = file_stamp(loaded_.file);
  for (const Document& document : loaded_.documents) {
    if (document.file != loaded_.file) stamp += '\n' + file_stamp(document.file);
  }
  return stamp;
}

bool LmtpEngine::relays_offer_dsn() {
  const ChainConfig* const chain = loaded_.configuration.chain(nexthop_);
  const bool leads_on =
      chain != nullptr && !(chain->by_sender.empty() && chain->by_recipient.empty() && chain->policy.empty());
  const auto relays = relays_named(loaded_.configuration, nexthop_, service_port);
  if (leads_on || !relays || relays->empty()) return false;
  std::vector<std::string> keys;
  for (const Relay& relay : *relays)
    keys.push_back(relay_key(relay.name));
  const std::vector<std::string> records = state_.store().read(keys, state_.wall().now());
  return std::all_of(records.begin(), records.end(), [](const std::string& record) {
    const auto known = unpack(record);
    return known && known->health.offers_dsn;
  });
}

bool LmtpEngine::is_current() const { return configuration_stamp() == stamp_; }

/// All that a session is opened with. Where the account depends on the sender, so does the session; and one that was
/// opened in the name of a client (XCLIENT) is that client's.
std::string LmtpEngine::session_key(const DialTarget& target) const {
  const Relay& relay = *target.relay;
  if (relay.settings->client_report == ClientReport::Xclient) return {};
  if (relay.settings->session.messages <= 1) return {};
  return fmt::format("{} {} {} {} {} {:x} {:x} {}", endpoint_text(target.peer.ip, target.peer.port), target.peer.host,
                     static_cast<int>(target.tls), target.helo_name, target.bind_address, relay_stamp(relay, settings_),
                     account_stamp(relay.account), relay.account.sender_dependent ? sender_ : "");
}

const OwnHost& LmtpEngine::own_host_for(const RoutePlan& plan) {
  if (!needs_own_addresses(plan)) return name_only_;
  if (!own_host_) own_host_ = own_host(name_only_.name, settings_);
  return *own_host_;
}

std::vector<Verdict> LmtpEngine::deliver(const LmtpTask& task) {
  sender_ = task.envelope.sender.text();
  keyring_.begin_message(sender_);
  reap_detached();
  log_id_ = log_id(task.envelope.queue_id);
  state_.begin_message(log_id_);
  if (!tokens_ || !tokens_->broker.unfinished()) plans_.clear();
  std::vector<std::optional<Verdict>> verdicts(task.envelope.recipients.size());
  for (const RecipientGroup& group : group_recipients(loaded_.configuration, nexthop_, task.envelope))
    deliver_group(task, group, verdicts);
  // Not before: what became of the first group is not told yet, and an exception must not leave it locked.
  state_.lock().release();
  state_.tell_trouble();
  journal_.renew();
  std::vector<Verdict> all;
  all.reserve(verdicts.size());
  for (auto& verdict : verdicts)
    all.push_back(verdict ? *std::move(verdict) : refused_verdict({4, 3, 0}, "internal error: no verdict"));
  return all;
}

void LmtpEngine::deliver_group(const LmtpTask& task, const RecipientGroup& group,
                               std::vector<std::optional<Verdict>>& verdicts) {
  const Envelope envelope = task.envelope.with_recipients(group);
  AcceptedRecipients parent(parent_);
  const auto decide = [&](const Verdict& verdict) {
    for (const std::size_t place : group)
      verdicts[place] = verdict;
    journal_.line(Journal::Level::Warning, log_id(envelope.queue_id) + ": " + log_line(verdict));
  };
  try {
    if (const auto error = configuration_error(loaded_)) return decide(bad_configuration(*error));
    auto plan =
        plan_delivery(loaded_.configuration, nexthop_, envelope, task.started + settings_.deadline, &parent_, journal_);
    if (!plan) return decide(plan.error());
    const auto delivered = deliver_over(plans_.emplace_back(*std::move(plan)), task, envelope, parent);
    if (delivered.empty()) {
      for (const std::size_t place : group)
        deliver_group(task, {place}, verdicts);
      return;
    }
    for (std::size_t i = 0; i < group.size(); ++i)
      verdicts[group[i]] = delivered[i];
  } catch (const std::exception& error) {
    decide(refused_verdict({4, 3, 0}, std::string("internal error: ") + error.what()));
    for (const std::size_t place : parent.places())
      verdicts[group[place]] = Verdict{Disposition::Delivered, {2, 0, 0}, "accepted", {}};
  }
}

std::vector<Verdict> LmtpEngine::deliver_over(RoutePlan& plan, const LmtpTask& task, const Envelope& envelope,
                                              Parent& parent) {
  HistoryServices remembered = fleet_.services();
  remembered.keeps = [this](const Relay& relay) { return pool_.keeps(relay.name); };
  remembered.backlog = &backlog_.backlog();
  DeliveryHistory history(std::move(remembered), envelope, task.started + settings_.deadline);
  const HttpsServices https = https_services(state_.wall());
  Services services{clock_,   *event_loop_, pool_,   resolver_,     task.content, parent,
                    journal_, patterns_,    history, state_.lock(), nullptr,      &https};
  const DeliveryRequest request{envelope,     plan, settings_,  own_host_for(plan), Random(random_seed()),
                                task.started, true, task.verify};
  Delivered delivered = relaypipe::deliver(request, services);
  const auto is_sent = [](const Verdict& verdict) { return verdict.disposition == Disposition::Delivered; };
  if (!task.verify && !delivered.verdicts.empty()) record_outcome(envelope, delivered, state_, journal_);
  if (!std::all_of(delivered.verdicts.begin(), delivered.verdicts.end(), is_sent))
    warn_of_names(plan, journal_, log_id(envelope.queue_id));
  return std::move(delivered.verdicts);
}

}  // namespace relaypipe
