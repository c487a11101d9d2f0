#include "verdict/classify.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "verdict/answer_rules.h"
#include "verdict/find_rule.h"

namespace relaypipe {
namespace {

EnhancedStatus status_of(const SessionFailure& unreached) {
  switch (unreached.error) {
    case SessionError::NotFound:
    case SessionError::NullMx:
    case SessionError::NoPrimary: return {4, 4, 4};
    case SessionError::LookupFailed: return {4, 4, 3};
    case SessionError::LoopsBack: return {4, 4, 6};
    case SessionError::Unconnected: return {4, 4, 1};
    case SessionError::TimedOut:
      if (unreached.stage == Stage::Resolve) return {4, 4, 3};
      return unreached.stage == Stage::Connect ? EnhancedStatus{4, 4, 1} : EnhancedStatus{4, 4, 2};
    case SessionError::Lost: return {4, 4, 2};
    case SessionError::ProtocolError: return {4, 5, 0};
    case SessionError::TlsMissing: return {4, 7, 4};
    case SessionError::TlsFailed:
    case SessionError::Untrusted: return {4, 7, 5};
    case SessionError::AuthMissing: return {4, 7, 0};
    case SessionError::AuthRefused: return {4, 7, 8};
    case SessionError::NoCredentials:
    case SessionError::Misconfigured: return {4, 3, 5};
    case SessionError::Local: break;
  }
  return {4, 3, 0};
}

Cause cause_of(SessionError error) {
  switch (error) {
    case SessionError::NotFound:
    case SessionError::LookupFailed:
    case SessionError::NullMx:
    case SessionError::Unconnected:
    case SessionError::TimedOut:
    case SessionError::Lost:
    case SessionError::ProtocolError: return Cause::Network;
    case SessionError::TlsMissing:
    case SessionError::TlsFailed:
    case SessionError::Untrusted: return Cause::Tls;
    case SessionError::AuthMissing:
    case SessionError::AuthRefused:
    case SessionError::NoCredentials: return Cause::Auth;
    case SessionError::LoopsBack:
    case SessionError::NoPrimary:
    case SessionError::Misconfigured:
    case SessionError::Local: break;
  }
  return Cause::Unknown;
}

/// RFC 3463: X.3.2 where the relay could take mail but may not be given any now, else what it failed with.
EnhancedStatus status_of(const Skipped& passed) {
  if (passed.why == Skipped::Why::SenderNotTaken || passed.why == Skipped::Why::DomainNotTaken) return {4, 7, 1};
  if (passed.why == Skipped::Why::Suspended || passed.why == Skipped::Why::Exhausted) return {4, 3, 2};
  switch (passed.cause) {
    case Cause::Tls: return {4, 7, 5};
    case Cause::Auth: return {4, 7, 8};
    case Cause::Network:
    case Cause::Unknown: return {4, 4, 1};
    default: return {4, 3, 2};
  }
}

/// Causes that never lie in the message or the recipient, whatever a rule says of the scope: soft.
bool is_ours(Cause cause) {
  using enum Cause;
  return cause != Unknown && cause != Size && cause != Content && cause != Mailbox;
}

/// The relay's trouble as a status for Postfix. One that speaks of a mailbox or a recipient's address would send its
/// reader to the wrong place: it is the account, or we, that were refused (RFC 3463: X.3.2, X.7.0).
EnhancedStatus relay_status(const EnhancedStatus& said, Cause cause) {
  const bool sender = said.subject == 1 && (said.detail == 7 || said.detail == 8);
  if (said.subject != 2 && (said.subject != 1 || sender)) return said.as_soft();
  const bool busy = cause == Cause::Quota || cause == Cause::Rate || cause == Cause::Network;
  return busy ? EnhancedStatus{4, 3, 2} : EnhancedStatus{4, 7, 0};
}

/// Until when: the reply's own words are the newest, but an administrator's rule stands above them.
Until until_of(const FoundRule& found, const Reply& reply) {
  const bool told = found.until.kind == Until::Kind::UtcMidnight || found.until.kind == Until::Kind::NextHour ||
                    found.until.kind == Until::Kind::Credentials ||
                    (found.own && found.until.kind != Until::Kind::Unknown);
  if (told) return found.until;
  if (const auto span = named_delay(judged_text(reply))) return {Until::Kind::After, *span};
  return found.until;
}

bool in_transaction(Stage stage) { return stage >= Stage::Mail && stage <= Stage::EndOfData; }

/// What was said of the relay or of us: soft, whatever the code is. Before MAIL there is neither a sender nor a
/// recipient.
Classification of_relay(const FoundRule& found, const Reply& reply, Stage stage) {
  const bool of_one = found.means.scope == Scope::RelaySender || found.means.scope == Scope::RelayRecipientDomain;
  const bool session = found.means.scope == Scope::RelaySender && found.means.cause == Cause::SenderNotAllowed;
  return {of_one && (session || in_transaction(stage)) ? found.means.scope : Scope::Relay,
          Severity::Soft,
          Next::NextLeg,
          relay_status(reply.status, found.means.cause),
          found.means.cause,
          until_of(found, reply),
          found.text};
}

/// What was said of the message, a recipient or the sender, or of nobody knows whom.
Classification of_mail(const FoundRule& found, const Reply& reply, ContentReject on_content_reject) {
  const auto [scope, cause] = found.means;
  const bool hard = reply.hard() && !is_ours(cause);
  Classification classification{
      scope,     hard ? Severity::Hard : Severity::Soft, hard ? Next::Stop : Next::NextLeg, reply.status, cause, {},
      found.text};
  if (!hard) classification.status = reply.status.as_soft();
  // It is this relay's word alone, and final only when the others say the same.
  if (scope == Scope::Unknown || scope == Scope::RelaySender) classification.next = Next::NextLeg;
  if (cause == Cause::Size && scope == Scope::Message) {
    // Another relay may take more, so it is final only when all say so.
    classification.next = Next::NextLeg;
    if (classification.status.subject == 0) classification.status = {classification.status.klass, 3, 4};
  }
  if (cause == Cause::Content) {
    classification.next = on_content_reject == ContentReject::Next ? Next::NextLeg : Next::Stop;
  }
  // The mailbox is the same behind every relay.
  if (cause == Cause::Mailbox) classification.next = Next::Stop;
  return classification;
}

bool is_of_relay(Scope scope) {
  return scope == Scope::Relay || scope == Scope::RelaySender || scope == Scope::RelayRecipientDomain;
}

/// Whether a meaning is judged as the mail's: not what is only of the relay, or of our account on it.
bool is_of_mail(const Meaning& means) {
  if (means.scope == Scope::RelaySender) return !is_ours(means.cause);
  return means.scope == Scope::Message || means.scope == Scope::Recipient || means.scope == Scope::Unknown;
}

/// Each kind of outcome has its own sentence of the policy in classify.h.
struct Classifier {
  const RelayRules& rules;
  PatternMatcher& matcher;

  Classification operator()(const Accepted& accepted) const {
    return {Scope::Message, Severity::Success, Next::Stop, accepted.reply.status, Cause::Unknown, {}, {}};
  }

  Classification operator()(const Deliverable& deliverable) const {
    return {Scope::Recipient, Severity::Success, Next::Stop, deliverable.reply.status, Cause::Unknown, {}, {}};
  }

  Classification operator()(const Refused& refused) const {
    return classify_reply(refused.stage, refused.reply, rules, matcher);
  }

  Classification operator()(const RecipientsRefused& refused) const {
    std::vector<Classification> said;
    for (const Reply& reply : refused.replies) {
      if (!reply.positive()) said.push_back(classify_reply(Stage::Rcpt, reply, rules, matcher));
    }
    const bool all = said.size() == refused.replies.size();
    return of_recipients(std::move(said), all);
  }

  Classification operator()(const Lost&) const { return relay({4, 4, 2}, Cause::Network); }
  Classification operator()(const ProtocolError&) const { return relay({4, 5, 0}, Cause::Network); }
  Classification operator()(const Superseded&) const { return relay({4, 4, 1}, Cause::Network); }
  Classification operator()(const Unconfirmed&) const {
    const bool give_up = rules.on_unconfirmed == OnUnconfirmed::Bounce;
    const EnhancedStatus status{give_up ? 5 : 4, 4, 2};
    return {Scope::Message, give_up ? Severity::Hard : Severity::Soft, Next::Stop, status, Cause::Unknown, {}, {}};
  }
  Classification operator()(const Aborted&) const {
    return {Scope::Message, Severity::Soft, Next::Stop, {4, 3, 0}, Cause::Unknown, {}, {}};
  }

  Classification operator()(const Unsupported& unfit) const {
    const bool size = unfit.why == Unsupported::Why::TooBig;
    const EnhancedStatus status = size ? EnhancedStatus{5, 3, 4} : EnhancedStatus{5, 6, 7};
    return {Scope::Message, Severity::Hard, Next::NextLeg, status, size ? Cause::Size : Cause::Content, {}, {}};
  }

  Classification operator()(const ApiRefusal& refusal) const { return classify_refusal(refusal, rules, matcher); }

  /// What every message of its size or with such addresses meets there is final when all relays say so; the rest is
  /// only this interface's.
  Classification operator()(const ApiUnsupported& unfit) const {
    using enum ApiUnsupported::Why;
    if (unfit.why == TooBig) return (*this)(Unsupported{Unsupported::Why::TooBig});
    if (unfit.why == NotAscii) return (*this)(Unsupported{Unsupported::Why::NoSmtpUtf8});
    const EnhancedStatus status = unfit.why == TooManyRecipients ? EnhancedStatus{4, 5, 3} : EnhancedStatus{4, 3, 3};
    return {Scope::Message, Severity::Soft, Next::NextLeg, status, Cause::Unknown, {}, {}};
  }

  Classification operator()(const Skipped& passed) const { return relay(status_of(passed), passed.cause); }

  Classification operator()(const SessionFailure& unreached) const {
    if (unreached.reply) return classify_reply(unreached.stage, *unreached.reply, rules, matcher);
    const bool no_domain = unreached.error == SessionError::NotFound || unreached.error == SessionError::NullMx;
    if (unreached.recipient_domain && no_domain) {
      const int detail = unreached.error == SessionError::NullMx ? 10 : 2;
      return {Scope::Recipient, Severity::Hard, Next::Stop, {5, 1, detail}, Cause::Mailbox, {}, {}};
    }
    Classification classification = relay(status_of(unreached), cause_of(unreached.error));
    if (unreached.error == SessionError::AuthRefused) classification.until.kind = Until::Kind::Credentials;
    // This host is an MX of the domain: whoever comes later in the list would only send the message back to us.
    if (unreached.error == SessionError::LoopsBack || unreached.error == SessionError::NoPrimary)
      classification.next = Next::Stop;
    return classification;
  }

 private:
  static Classification relay(EnhancedStatus status, Cause cause) {
    return {Scope::Relay, Severity::Soft, Next::NextLeg, status, cause, {}, {}};
  }

  /// One result serves all recipients. `said`: what those were told that were refused, at least one; `all`: nobody was
  /// taken.
  static Classification of_recipients(std::vector<Classification> said, bool all) {
    const auto hard = [](const Classification& j) { return j.severity == Severity::Hard; };
    const auto stops = [](const Classification& j) { return j.next == Next::Stop; };
    const auto final = [&](const Classification& j) { return hard(j) && stops(j); };
    if (all && std::all_of(said.begin(), said.end(), hard)) {
      // The one that the next relay may see otherwise says how to go on.
      const auto open = std::find_if_not(said.begin(), said.end(), stops);
      return std::move(open != said.end() ? *open : said.front());
    }
    if (std::any_of(said.begin(), said.end(), final)) {
      // Neither a bounce nor a delivery would be true for each of them. The status is that of the first refusal, which
      // is the first that is quoted.
      return {Scope::Recipient,
              Severity::Soft,
              Next::Stop,
              said.front().status.as_soft(),
              Cause::Unknown,
              {},
              "recipients fared differently"};
    }
    const bool stop = all && std::all_of(said.begin(), said.end(), stops);
    // What speaks of the relay is worth more than what speaks of one recipient: it holds for the next message too.
    const auto of_us = [&](const Classification& j) { return !hard(j) && is_of_relay(j.scope); };
    const auto best = std::find_if(said.begin(), said.end(), of_us);
    Classification classification = std::move(best != said.end() ? *best : said.front());
    classification.next = stop ? Next::Stop : Next::NextLeg;
    classification.severity = Severity::Soft;
    classification.status = classification.status.as_soft();
    return classification;
  }
};

}  // namespace

Classification classify_reply(Stage stage, const Reply& reply, const RelayRules& rules, PatternMatcher& matcher) {
  FoundRule found = find_rule(stage, reply, rules, matcher);
  if (rules.sender_is_ours && found.means == Meaning{Scope::RelaySender, Cause::Unknown})
    found.means.cause = Cause::SenderNotAllowed;
  if (found.broken) {
    return {Scope::Relay, Severity::Soft, Next::NextLeg, {4, 3, 5}, Cause::Unknown, {}, found.text};
  }
  if (is_of_mail(found.means) && in_transaction(stage)) return of_mail(found, reply, rules.on_content_reject);
  return of_relay(found, reply, stage);
}

Classification classify(const Attempt& attempt, const RelayRules& rules, PatternMatcher& matcher) {
  return std::visit(Classifier{rules, matcher}, attempt.what);
}

}  // namespace relaypipe
