#include "verdict/classify.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "verdict/find_rule.h"

namespace relaypipe {
namespace {

EnhancedStatus status_of(const Unreached& unreached) {
  switch (unreached.trouble) {
    case Trouble::NotFound:
    case Trouble::NullMx:
    case Trouble::NoPrimary: return {4, 4, 4};
    case Trouble::LookupFailed: return {4, 4, 3};
    case Trouble::LoopsBack: return {4, 4, 6};
    case Trouble::Unconnected: return {4, 4, 1};
    case Trouble::TimedOut:
      if (unreached.stage == Stage::Resolve) return {4, 4, 3};
      return unreached.stage == Stage::Connect ? EnhancedStatus{4, 4, 1} : EnhancedStatus{4, 4, 2};
    case Trouble::Lost: return {4, 4, 2};
    case Trouble::Garbled: return {4, 5, 0};
    case Trouble::TlsMissing: return {4, 7, 4};
    case Trouble::TlsFailed:
    case Trouble::Untrusted: return {4, 7, 5};
    case Trouble::AuthMissing: return {4, 7, 0};
    case Trouble::AuthRefused: return {4, 7, 8};
    case Trouble::NoCredentials:
    case Trouble::Misconfigured: return {4, 3, 5};
    case Trouble::Local: break;
  }
  return {4, 3, 0};
}

Cause cause_of(Trouble trouble) {
  switch (trouble) {
    case Trouble::NotFound:
    case Trouble::LookupFailed:
    case Trouble::NullMx:
    case Trouble::Unconnected:
    case Trouble::TimedOut:
    case Trouble::Lost:
    case Trouble::Garbled: return Cause::Network;
    case Trouble::TlsMissing:
    case Trouble::TlsFailed:
    case Trouble::Untrusted: return Cause::Tls;
    case Trouble::AuthMissing:
    case Trouble::AuthRefused:
    case Trouble::NoCredentials: return Cause::Auth;
    case Trouble::LoopsBack:
    case Trouble::NoPrimary:
    case Trouble::Misconfigured:
    case Trouble::Local: break;
  }
  return Cause::Unknown;
}

/// RFC 3463: X.3.2 where the relay could take mail but may not be given any now, else what it failed with.
EnhancedStatus status_of(const PassedOver& passed) {
  if (passed.why == PassedOver::Why::SenderNotTaken || passed.why == PassedOver::Why::DomainNotTaken) return {4, 7, 1};
  if (passed.why == PassedOver::Why::Suspended || passed.why == PassedOver::Why::Exhausted) return {4, 3, 2};
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
Judgement of_relay(const FoundRule& found, const Reply& reply, Stage stage) {
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
Judgement of_mail(const FoundRule& found, const Reply& reply, ContentReject on_content_reject) {
  const auto [scope, cause] = found.means;
  const bool hard = reply.hard() && !is_ours(cause);
  Judgement judgement{
      scope,     hard ? Severity::Hard : Severity::Soft, hard ? Next::Stop : Next::NextLeg, reply.status, cause, {},
      found.text};
  if (!hard) judgement.status = reply.status.as_soft();
  // It is this relay's word alone, and final only when the others say the same.
  if (scope == Scope::Unknown || scope == Scope::RelaySender) judgement.next = Next::NextLeg;
  if (cause == Cause::Size && scope == Scope::Message) {
    // Another relay may take more, so it is final only when all say so.
    judgement.next = Next::NextLeg;
    if (judgement.status.subject == 0) judgement.status = {judgement.status.klass, 3, 4};
  }
  if (cause == Cause::Content) {
    judgement.next = on_content_reject == ContentReject::Next ? Next::NextLeg : Next::Stop;
  }
  // The mailbox is the same behind every relay.
  if (cause == Cause::Mailbox) judgement.next = Next::Stop;
  return judgement;
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

  Judgement operator()(const Accepted& accepted) const {
    return {Scope::Message, Severity::Success, Next::Stop, accepted.reply.status, Cause::Unknown, {}, {}};
  }

  Judgement operator()(const Refused& refused) const {
    return classify_reply(refused.stage, refused.reply, rules, matcher);
  }

  Judgement operator()(const RecipientsRefused& refused) const {
    std::vector<Judgement> said;
    for (const Reply& reply : refused.replies) {
      if (!reply.positive()) said.push_back(classify_reply(Stage::Rcpt, reply, rules, matcher));
    }
    const bool all = said.size() == refused.replies.size();
    return of_recipients(std::move(said), all);
  }

  Judgement operator()(const Lost&) const { return relay({4, 4, 2}, Cause::Network); }
  Judgement operator()(const Garbled&) const { return relay({4, 5, 0}, Cause::Network); }
  Judgement operator()(const Outrun&) const { return relay({4, 4, 1}, Cause::Network); }
  Judgement operator()(const Unconfirmed&) const {
    const bool give_up = rules.on_unconfirmed == OnUnconfirmed::Bounce;
    const EnhancedStatus status{give_up ? 5 : 4, 4, 2};
    return {Scope::Message, give_up ? Severity::Hard : Severity::Soft, Next::Stop, status, Cause::Unknown, {}, {}};
  }
  Judgement operator()(const Withheld&) const {
    return {Scope::Message, Severity::Soft, Next::Stop, {4, 3, 0}, Cause::Unknown, {}, {}};
  }

  Judgement operator()(const Unfit& unfit) const {
    const bool size = unfit.why == Unfit::Why::TooBig;
    const EnhancedStatus status = size ? EnhancedStatus{5, 3, 4} : EnhancedStatus{5, 6, 7};
    return {Scope::Message, Severity::Hard, Next::NextLeg, status, size ? Cause::Size : Cause::Content, {}, {}};
  }

  Judgement operator()(const PassedOver& passed) const { return relay(status_of(passed), passed.cause); }

  Judgement operator()(const Unreached& unreached) const {
    if (unreached.reply) return classify_reply(unreached.stage, *unreached.reply, rules, matcher);
    const bool no_domain = unreached.trouble == Trouble::NotFound || unreached.trouble == Trouble::NullMx;
    if (unreached.recipient_domain && no_domain) {
      const int detail = unreached.trouble == Trouble::NullMx ? 10 : 2;
      return {Scope::Recipient, Severity::Hard, Next::Stop, {5, 1, detail}, Cause::Mailbox, {}, {}};
    }
    Judgement judgement = relay(status_of(unreached), cause_of(unreached.trouble));
    if (unreached.trouble == Trouble::AuthRefused) judgement.until.kind = Until::Kind::Credentials;
    // This host is an MX of the domain: whoever comes later in the list would only send the message back to us.
    if (unreached.trouble == Trouble::LoopsBack || unreached.trouble == Trouble::NoPrimary) judgement.next = Next::Stop;
    return judgement;
  }

 private:
  static Judgement relay(EnhancedStatus status, Cause cause) {
    return {Scope::Relay, Severity::Soft, Next::NextLeg, status, cause, {}, {}};
  }

  /// One result serves all recipients. `said`: what those were told that were refused, at least one; `all`: nobody was
  /// taken.
  static Judgement of_recipients(std::vector<Judgement> said, bool all) {
    const auto hard = [](const Judgement& j) { return j.severity == Severity::Hard; };
    const auto stops = [](const Judgement& j) { return j.next == Next::Stop; };
    const auto final = [&](const Judgement& j) { return hard(j) && stops(j); };
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
    const auto of_us = [&](const Judgement& j) { return !hard(j) && is_of_relay(j.scope); };
    const auto best = std::find_if(said.begin(), said.end(), of_us);
    Judgement judgement = std::move(best != said.end() ? *best : said.front());
    judgement.next = stop ? Next::Stop : Next::NextLeg;
    judgement.severity = Severity::Soft;
    judgement.status = judgement.status.as_soft();
    return judgement;
  }
};

}  // namespace

Judgement classify_reply(Stage stage, const Reply& reply, const RelayRules& rules, PatternMatcher& matcher) {
  const FoundRule found = find_rule(stage, reply, rules, matcher);
  if (found.broken) {
    return {Scope::Relay, Severity::Soft, Next::NextLeg, {4, 3, 5}, Cause::Unknown, {}, found.text};
  }
  if (is_of_mail(found.means) && in_transaction(stage)) return of_mail(found, reply, rules.on_content_reject);
  return of_relay(found, reply, stage);
}

Judgement classify(const Outcome& outcome, const RelayRules& rules, PatternMatcher& matcher) {
  return std::visit(Classifier{rules, matcher}, outcome.what);
}

}  // namespace relaypipe
