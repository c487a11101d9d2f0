#include "state/attempt_health.h"

#include <algorithm>

#include "base/hash.h"
#include "base/printable.h"

namespace relaypipe {
namespace {

/// Trouble that a relay cannot be blamed for: our own configuration or machine, or a loop of our own.
bool is_own_trouble(const Outcome& outcome) {
  const auto* const unreached = std::get_if<Unreached>(&outcome.what);
  if (unreached == nullptr) return false;
  switch (unreached->trouble) {
    case Trouble::NoCredentials:
    case Trouble::Misconfigured:
    case Trouble::Local:
    case Trouble::LoopsBack:
    case Trouble::NoPrimary: return true;
    default: return unreached->recipient_domain;
  }
}

/// Whether a rule of the administrator's could not be applied: a reply nobody understood says nothing of its relay.
bool is_unjudged(const Judgement& judgement) {
  return judgement.cause == Cause::Unknown && judgement.status == EnhancedStatus{4, 3, 5};
}

/// What an attempt showed, as far as health is concerned.
HealthEvent::Kind kind_of(const Judged& judged) {
  const auto& [outcome, judgement] = judged;
  using Kind = HealthEvent::Kind;
  if (judgement.severity == Severity::Success) return Kind::Accepted;
  if (std::holds_alternative<Outrun>(outcome.what)) return Kind::Outrun;
  if (std::holds_alternative<Unconfirmed>(outcome.what)) return Kind::Failed;
  if (std::holds_alternative<PassedOver>(outcome.what) || is_own_trouble(outcome)) return Kind::Ended;
  if (is_unjudged(judgement)) return Kind::Ended;
  // A sender that is refused for good is the message's trouble, not that of our account.
  if (judgement.severity == Severity::Hard) return Kind::Ended;
  const bool of_relay = judgement.scope == Scope::Relay || judgement.scope == Scope::RelaySender ||
                        judgement.scope == Scope::RelayRecipientDomain;
  return of_relay ? Kind::Failed : Kind::Ended;
}

/// Whether the attempt got as far as the message: what came before speaks of no message.
bool in_transaction(const Outcome& outcome) {
  const Showing& what = outcome.what;
  return !std::holds_alternative<Unreached>(what) && !std::holds_alternative<Outrun>(what) &&
         !std::holds_alternative<PassedOver>(what) && !std::holds_alternative<Unfit>(what);
}

/// Whether commands that were sent together had no reply.
bool lost_pipelined(const Outcome& outcome) {
  if (const auto* const lost = std::get_if<Lost>(&outcome.what)) return lost->pipelined;
  const auto* const garbled = std::get_if<Garbled>(&outcome.what);
  return garbled != nullptr && garbled->pipelined;
}

/// Whether a time limit ended the transaction.
bool hung(const Outcome& outcome) {
  const auto* const lost = std::get_if<Lost>(&outcome.what);
  return lost != nullptr && lost->loss == Loss::TimedOut;
}

/// Never 0, which stands for no message.
std::uint64_t message_stamp(const Envelope& envelope) {
  const bool named = !envelope.queue_id.empty();
  std::uint64_t stamp = hash_octets(named ? envelope.queue_id : envelope.sender.text());
  if (!named && !envelope.recipients.empty()) stamp = hash_octets(envelope.recipients.front().text(), stamp);
  return stamp | 1U;
}

void tell_of_message(HealthEvent& event, const Outcome& outcome, const Envelope& envelope) {
  event.message = message_stamp(envelope);
  event.sender = hash_octets(envelope.sender.text()) | 1U;
  event.doubtful = may_lie_in_message(event.cause);
  event.apart = hung(outcome);
}

}  // namespace

HealthEvent health_event(const Judged& judged, const Relay& relay, const Envelope& envelope, WallTime began) {
  const auto& [outcome, judgement] = judged;
  HealthEvent event;
  event.kind = kind_of(judged);
  event.began = began;
  event.cause = std::holds_alternative<Unconfirmed>(outcome.what) ? Cause::Network : judgement.cause;
  event.until = judgement.until;
  event.words = describe(outcome);
  event.pipelined = lost_pipelined(outcome);
  const auto* const outrun = std::get_if<Outrun>(&outcome.what);
  event.full_patience = outrun != nullptr && outrun->silent;
  event.patience = to_span(relay.settings.patience);
  if (event.kind == HealthEvent::Kind::Failed && in_transaction(outcome)) tell_of_message(event, outcome, envelope);
  if (event.kind == HealthEvent::Kind::Accepted) event.accepted = outcome.transfer;
  return event;
}

std::vector<std::string> refused_domains(const Outcome& outcome, const Envelope& envelope) {
  std::vector<std::string> domains;
  const auto* const refused = std::get_if<RecipientsRefused>(&outcome.what);
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
    const bool taken = refused != nullptr && i < refused->replies.size() && refused->replies[i].positive();
    std::string domain = lower(envelope.recipients[i].domain());
    if (taken || std::find(domains.begin(), domains.end(), domain) != domains.end()) continue;
    domains.push_back(std::move(domain));
  }
  return domains;
}

HealthEvent of_domain(HealthEvent event, const std::string& domain) {
  event.message = hash_octets(domain) | 1U;
  event.sender = 0;
  event.doubtful = event.of_domain = event.apart = true;
  return event;
}

}  // namespace relaypipe
