#include "verdict/classify.h"

#include <algorithm>
#include <iterator>

namespace relaypipe {
namespace {

constexpr Judgement kRelayTrouble{Scope::Relay, Severity::Soft, Next::NextLeg, {4, 4, 2}};

/// Codes that speak about how we talk to the relay and not about what we bring: not authenticated or not encrypted
/// enough (RFC 4954 section 6, RFC 3207 section 4), a command or parameter it does not know (RFC 5321 4.2.2), a host
/// that takes no mail at all (RFC 7504). A bounce for one of them would be for a fault of the configuration, or of this
/// program.
bool speaks_of_the_session(int code) {
  constexpr int kCodes[] = {421, 500, 502, 503, 504, 521, 530, 534, 535, 538, 555};
  return std::find(std::begin(kCodes), std::end(kCodes), code) != std::end(kCodes);
}

/// A refusal because of size: another relay may take more, so it is final only when all say so (RFC 3463: X.3.4).
bool speaks_of_size(const Reply& reply) { return reply.hard() && reply.status == EnhancedStatus{5, 3, 4}; }

/// Each kind of outcome has its own sentence of the policy in classify.h.
struct Classifier {
  Judgement operator()(const Accepted& accepted) const {
    return {Scope::Message, Severity::Success, Next::Stop, accepted.reply.status};
  }

  Judgement operator()(const Refused& refused) const {
    const Reply& reply = refused.reply;
    if (speaks_of_the_session(reply.code)) return {Scope::Relay, Severity::Soft, Next::NextLeg, reply.status.as_soft()};
    if (speaks_of_size(reply)) return {Scope::Message, Severity::Hard, Next::NextLeg, reply.status};
    if (reply.hard()) return {Scope::Message, Severity::Hard, Next::Stop, reply.status};
    return {Scope::Message, Severity::Soft, Next::NextLeg, reply.status};
  }

  Judgement operator()(const RecipientsRefused& refused) const {
    const auto final = [](const Reply& r) { return r.hard() && !speaks_of_the_session(r.code); };
    const auto hard = std::count_if(refused.replies.begin(), refused.replies.end(), final);
    const auto decisive = std::find_if(refused.replies.begin(), refused.replies.end(),
                                       [&](const Reply& r) { return hard > 0 ? final(r) : !r.positive(); });
    const EnhancedStatus status = decisive->status;
    if (hard == 0) {
      const Scope scope = speaks_of_the_session(decisive->code) ? Scope::Relay : Scope::Recipient;
      return {scope, Severity::Soft, Next::NextLeg, status.as_soft()};
    }
    if (hard == std::ssize(refused.replies)) return {Scope::Recipient, Severity::Hard, Next::Stop, status};
    // One result serves all recipients: neither a bounce nor a delivery would be true for each of them. The status is
    // that of the first refusal, which is the first that is quoted.
    const auto first =
        std::find_if(refused.replies.begin(), refused.replies.end(), [](const Reply& r) { return !r.positive(); });
    return {Scope::Recipient, Severity::Soft, Next::Stop, first->status.as_soft()};
  }

  Judgement operator()(const Lost&) const { return kRelayTrouble; }
  Judgement operator()(const Garbled&) const { return {Scope::Relay, Severity::Soft, Next::NextLeg, {4, 5, 0}}; }
  Judgement operator()(const Unconfirmed&) const { return {Scope::Message, Severity::Soft, Next::Stop, {4, 4, 2}}; }
  Judgement operator()(const Withheld&) const { return {Scope::Message, Severity::Soft, Next::Stop, {4, 3, 0}}; }
  Judgement operator()(const Outrun&) const { return {Scope::Relay, Severity::Soft, Next::NextLeg, {4, 4, 1}}; }

  Judgement operator()(const Unfit& unfit) const {
    const bool size = unfit.why == Unfit::Why::TooBig;
    return {Scope::Message, Severity::Hard, Next::NextLeg, size ? EnhancedStatus{5, 3, 4} : EnhancedStatus{5, 6, 7}};
  }

  Judgement operator()(const Unreached& unreached) const {
    if (unreached.recipient_domain && unreached.trouble == Trouble::NotFound) {
      return {Scope::Recipient, Severity::Hard, Next::Stop, {5, 1, 2}};
    }
    if (unreached.recipient_domain && unreached.trouble == Trouble::NullMx) {
      return {Scope::Recipient, Severity::Hard, Next::Stop, {5, 1, 10}};
    }
    Judgement judgement{Scope::Relay, Severity::Soft, Next::NextLeg, status_of(unreached)};
    // This host is an MX of the domain: whoever comes later in the list would only send the message back to us.
    if (unreached.trouble == Trouble::LoopsBack || unreached.trouble == Trouble::NoPrimary) judgement.next = Next::Stop;
    return judgement;
  }

  static EnhancedStatus status_of(const Unreached& unreached) {
    if (unreached.reply) return unreached.reply->status.as_soft();
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
};

}  // namespace

Judgement classify(const Outcome& outcome) { return std::visit(Classifier{}, outcome.what); }

}  // namespace relaypipe
