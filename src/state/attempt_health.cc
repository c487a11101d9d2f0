#include "state/attempt_health.h"

#include <algorithm>

#include "base/hash.h"
#include "base/printable.h"
#include "verdict/recipient_results.h"

namespace relaypipe {
namespace {

/// Trouble that a relay cannot be blamed for: our own configuration or machine, or a loop of our own.
bool is_own_trouble(const Attempt& attempt) {
  const auto* const unreached = std::get_if<SessionFailure>(&attempt.what);
  if (unreached == nullptr) return false;
  switch (unreached->error) {
    case SessionError::NoCredentials:
    case SessionError::Misconfigured:
    case SessionError::Local:
    case SessionError::LoopsBack:
    case SessionError::NoPrimary: return true;
    default: return unreached->recipient_domain;
  }
}

/// Whether a rule of the administrator's could not be applied: a reply nobody understood says nothing of its relay.
bool is_unjudged(const Classification& classification) {
  return classification.cause == Cause::Unknown && classification.status == EnhancedStatus{4, 3, 5};
}

/// What an attempt showed, as far as health is concerned.
HealthEvent::Kind kind_of(const ClassifiedAttempt& classified) {
  const auto& [attempt, classification] = classified;
  using Kind = HealthEvent::Kind;
  if (std::holds_alternative<Deliverable>(attempt.what)) return Kind::Ended;
  if (classification.severity == Severity::Success) return Kind::Accepted;
  if (std::holds_alternative<Superseded>(attempt.what)) return Kind::Superseded;
  if (std::holds_alternative<Unconfirmed>(attempt.what)) return Kind::Failed;
  if (std::holds_alternative<Skipped>(attempt.what) || is_own_trouble(attempt)) return Kind::Ended;
  if (is_unjudged(classification)) return Kind::Ended;
  // A sender that is refused for good is the message's trouble, not that of our account.
  if (classification.severity == Severity::Hard) return Kind::Ended;
  const bool of_relay = classification.scope == Scope::Relay || classification.scope == Scope::RelaySender ||
                        classification.scope == Scope::RelayRecipientDomain;
  return of_relay ? Kind::Failed : Kind::Ended;
}

/// Whether the attempt got as far as the message: what came before speaks of no message.
bool in_transaction(const Attempt& attempt) {
  const AttemptResult& what = attempt.what;
  return !std::holds_alternative<SessionFailure>(what) && !std::holds_alternative<Superseded>(what) &&
         !std::holds_alternative<Skipped>(what) && !std::holds_alternative<Unsupported>(what) &&
         !std::holds_alternative<ApiUnsupported>(what);
}

/// Whether commands that were sent together had no reply.
bool lost_pipelined(const Attempt& attempt) {
  if (const auto* const lost = std::get_if<Lost>(&attempt.what)) return lost->pipelined;
  const auto* const garbled = std::get_if<ProtocolError>(&attempt.what);
  return garbled != nullptr && garbled->pipelined;
}

/// Whether a time limit ended the transaction.
bool hung(const Attempt& attempt) {
  const auto* const lost = std::get_if<Lost>(&attempt.what);
  return lost != nullptr && lost->loss == Loss::TimedOut;
}

std::uint64_t message_stamp(const Envelope& envelope) {
  const bool named = !envelope.queue_id.empty();
  const std::uint64_t stamp = hash_octets(named ? envelope.queue_id : envelope.sender.text());
  return named || envelope.recipients.empty() ? stamp : hash_octets(envelope.recipients.front().text(), stamp);
}

FailedTransaction failed_transaction(const Attempt& attempt, Cause cause, const Envelope& envelope) {
  return {.message = message_stamp(envelope),
          // Never 0, which stands for none in a record.
          .sender = hash_octets(envelope.sender.text()) | 1U,
          .doubtful = may_lie_in_message(cause),
          .apart = hung(attempt)};
}

}  // namespace

HealthEvent health_event(const ClassifiedAttempt& classified, const Relay& relay, const Envelope& envelope,
                         WallTime began) {
  const auto& [attempt, classification] = classified;
  HealthEvent event;
  event.kind = kind_of(classified);
  event.began = began;
  event.cause = std::holds_alternative<Unconfirmed>(attempt.what) ? Cause::Network : classification.cause;
  event.until = classification.until;
  event.words = describe(attempt);
  event.pipelined = lost_pipelined(attempt);
  const auto* const superseded = std::get_if<Superseded>(&attempt.what);
  event.full_patience = superseded != nullptr && superseded->silent;
  event.patience = to_span(relay.settings->patience);
  if (event.kind == HealthEvent::Kind::Failed && in_transaction(attempt)) {
    event.transaction = failed_transaction(attempt, event.cause, envelope);
  }
  if (event.kind == HealthEvent::Kind::Accepted) event.accepted = attempt.transfer;
  return event;
}

std::vector<std::string> refused_domains(const Attempt& attempt, const Envelope& envelope) {
  std::vector<std::string> domains;
  const auto* const refused = std::get_if<RecipientsRefused>(&attempt.what);
  const std::vector<std::size_t> places = recipients_of(attempt, envelope);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const bool taken = refused != nullptr && i < refused->replies.size() && refused->replies[i].positive();
    std::string domain = lower(envelope.recipients[places[i]].domain());
    if (taken || std::find(domains.begin(), domains.end(), domain) != domains.end()) continue;
    domains.push_back(std::move(domain));
  }
  return domains;
}

std::uint64_t recipients_accepted(const HealthEvent& event, const Attempt& attempt, const Envelope& envelope) {
  if (event.kind != HealthEvent::Kind::Accepted) return 0;
  return std::max<std::uint64_t>(recipients_of(attempt, envelope).size(), 1);
}

HealthEvent of_domain(HealthEvent event, const std::string& domain) {
  event.transaction = FailedTransaction{
      .message = hash_octets(domain), .sender = {}, .doubtful = true, .of_domain = true, .apart = true};
  return event;
}

}  // namespace relaypipe
