// The words for outcomes: Postfix's own where it has some (smtp_trouble.c, smtp_connect.c), so that an administrator's
// eyes and scripts find what they know.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/file_names.h"
#include "base/printable.h"
#include "verdict/classify.h"

namespace relaypipe {
namespace {

constexpr int kServiceNotAvailable = 421;  // the relay closes the connection (RFC 5321 3.8)

std::string in_reply_to(Stage stage) { return fmt::format("(in reply to {} command)", command_name(stage)); }

/// The replies to RCPT that refused, each once.
std::string refusals(const std::vector<Reply>& replies) {
  std::vector<std::string> told;
  for (const Reply& reply : replies) {
    std::string one = reply.text();
    if (reply.positive() || std::find(told.begin(), told.end(), one) != told.end()) continue;
    told.push_back(std::move(one));
  }
  return fmt::format("{}", fmt::join(told, "; "));
}

/// Whether all recipients fared alike.
bool unanimous(const std::vector<Reply>& replies) {
  for (const Reply& reply : replies) {
    if (reply.klass() != replies.front().klass()) return false;
  }
  return true;
}

/// `is not tried until 2026-11-27 12:03:04 UTC`.
std::string state_of(const Skipped& passed) {
  const std::string until = passed.until == kNever ? "" : " until " + time_text(passed.until);
  switch (passed.why) {
    case Skipped::Why::CoolingDown: return "is not tried" + until;
    case Skipped::Why::Probing: return "is being tried by another delivery";
    case Skipped::Why::Suspended: return "was suspended by the administrator" + until;
    case Skipped::Why::Exhausted: return "has its limit used up" + until;
    case Skipped::Why::DomainNotTaken: return "does not relay to this domain" + until;
    case Skipped::Why::SenderNotTaken: break;
  }
  return "does not take this sender" + until;
}

/// What the relay has not taken: over HTTPS there is no SASL.
std::string_view refused_credentials(Stage stage) {
  return stage == Stage::Request ? "the credentials were refused" : "SASL authentication failed";
}

struct Describer {
  const Peer& peer;

  std::string operator()(const Accepted& accepted) const {
    return fmt::format("{}: {}", peer.text(), accepted.reply.text());
  }

  std::string operator()(const Deliverable& deliverable) const {
    return fmt::format("host {} said: {} {}", peer.text(), deliverable.reply.text(), in_reply_to(Stage::Rcpt));
  }

  std::string operator()(const Refused& refused) const {
    return fmt::format("host {} said: {} {}", peer.text(), refused.reply.text(), in_reply_to(refused.stage));
  }

  std::string operator()(const RecipientsRefused& refused) const {
    std::string text =
        fmt::format("host {} said: {} {}", peer.text(), refusals(refused.replies), in_reply_to(Stage::Rcpt));
    if (!unanimous(refused.replies)) {
      text +=
          "; nothing was sent, because the recipients of this request fared differently and pipe(8) takes one result "
          "for "
          "all: set relaypipe_destination_recipient_limit = 1";
    }
    return text;
  }

  std::string operator()(const Lost& lost) const {
    if (lost.loss == Loss::TimedOut) {
      return fmt::format("conversation with {} timed out while {}", peer.text(), while_doing(lost.stage));
    }
    return fmt::format("lost connection with {} while {}", peer.text(), while_doing(lost.stage));
  }

  std::string operator()(const ProtocolError& garbled) const {
    return fmt::format("host {} broke the protocol while {}: {}", peer.text(), while_doing(garbled.stage),
                       garbled.what);
  }

  std::string operator()(const Unconfirmed& unconfirmed) const {
    return fmt::format("{} from {} while {}", unconfirmed.what, peer.text(), while_doing(Stage::EndOfData));
  }

  std::string operator()(const Aborted& withheld) const {
    return fmt::format("gave up with {} while {}", peer.text(), while_doing(withheld.stage));
  }

  std::string operator()(const Superseded& superseded) const {
    return fmt::format("{} was not ready in time ({})", peer.text(), while_doing(superseded.stage));
  }

  /// The words of Postfix's queue manager for a destination that is left alone (qmgr, "delivery temporarily
  /// suspended").
  std::string operator()(const Skipped& passed) const {
    const std::string why = passed.words.empty() ? "" : ": " + passed.words;
    return fmt::format("delivery temporarily suspended, {} {}{}", peer.text(), state_of(passed), why);
  }

  std::string operator()(const Unsupported& unfit) const {
    if (unfit.why == Unsupported::Why::NoSmtpUtf8) {
      return fmt::format("SMTPUTF8 is required, but was not offered by host {}", peer.text());
    }
    return fmt::format("message size {} exceeds size limit {} of server {}", unfit.size, unfit.limit, peer.text());
  }

  std::string operator()(const ApiRefusal& refusal) const {
    return fmt::format("host {} said: {} {}", peer.text(), refusal.text(), in_reply_to(Stage::Request));
  }

  std::string operator()(const ApiUnsupported& unfit) const {
    if (unfit.why == ApiUnsupported::Why::TooBig)
      return (*this)(Unsupported{Unsupported::Why::TooBig, unfit.size, unfit.limit});
    return fmt::format("the message cannot go by {}: {}", peer.text(), unfit.text);
  }

  std::string operator()(const SessionFailure& unreached) const {
    return unreached.reply ? replied(unreached) : unreplied(unreached);
  }

 private:
  std::string replied(const SessionFailure& unreached) const {
    const std::string reply = unreached.reply->text();
    switch (unreached.stage) {
      case Stage::StartTls:
        if (unreached.reply->code == kServiceNotAvailable) break;  // of the session, whatever was asked
        return fmt::format("TLS is required, but host {} refused to start TLS: {}", peer.text(), reply);
      case Stage::Auth: return fmt::format("SASL authentication failed; server {} said: {}", peer.text(), reply);
      default: break;
    }
    return fmt::format("host {} refused to talk to me: {}", peer.text(), reply);
  }

  std::string unreplied(const SessionFailure& unreached) const {
    const std::string& detail = unreached.detail;
    switch (unreached.error) {
      case SessionError::NotFound:
      case SessionError::LookupFailed:
        return fmt::format("Host or domain name not found. Name service error for {}", detail);
      case SessionError::NullMx: return fmt::format("Domain {} does not accept mail (nullMX)", peer.host);
      case SessionError::LoopsBack: return fmt::format("mail for {} loops back to myself", peer.host);
      case SessionError::NoPrimary: return fmt::format("unable to find primary relay for {}", peer.host);
      case SessionError::Unconnected: return fmt::format("connect to {}: {}", peer.text(), detail);
      case SessionError::TimedOut:
        if (unreached.stage == Stage::Resolve) return fmt::format("looking up {}: {}", peer.host, detail);
        if (unreached.stage == Stage::Connect) return fmt::format("connect to {}: Connection timed out", peer.text());
        return fmt::format("conversation with {} timed out while {}", peer.text(), while_doing(unreached.stage));
      case SessionError::Lost:
        return fmt::format("lost connection with {} while {}", peer.text(), while_doing(unreached.stage));
      case SessionError::ProtocolError:
        return fmt::format("host {} broke the protocol while {}: {}", peer.text(), while_doing(unreached.stage),
                           detail);
      case SessionError::TlsMissing: return fmt::format("TLS is required, but was not offered by host {}", peer.text());
      case SessionError::TlsFailed: return fmt::format("Cannot start TLS with {}: {}", peer.text(), detail);
      case SessionError::Untrusted: return fmt::format("Server certificate not verified: {}: {}", peer.text(), detail);
      case SessionError::AuthMissing:
        return fmt::format("SASL authentication failed; server {} offers no mechanism we can use: {}", peer.text(),
                           detail);
      case SessionError::AuthRefused:
        return fmt::format("{}; server {} said: {}", refused_credentials(unreached.stage), peer.text(), detail);
      case SessionError::NoCredentials: return fmt::format("no credentials for {}: {}", peer.text(), detail);
      case SessionError::Misconfigured:
      case SessionError::Local: break;
    }
    return fmt::format("{}: {}", peer.text(), detail);
  }
};

/// A few words for the list of other attempts: no address, no polite form.
struct Briefer {
  std::string operator()(const Refused& r) const {
    return fmt::format("{} ({})", r.reply.text(), command_name(r.stage));
  }
  std::string operator()(const RecipientsRefused& r) const { return refusals(r.replies) + " (RCPT TO)"; }
  std::string operator()(const Lost& l) const {
    return fmt::format("{} while {}", l.loss == Loss::TimedOut ? "timed out" : "lost connection", while_doing(l.stage));
  }
  std::string operator()(const Superseded& o) const {
    return o.stage <= Stage::Connect ? "connection timed out" : fmt::format("too slow while {}", while_doing(o.stage));
  }
  std::string operator()(const Unsupported& u) const {
    return u.why == Unsupported::Why::TooBig ? fmt::format("takes only {} octets", u.limit) : "does not offer SMTPUTF8";
  }
  std::string operator()(const ApiRefusal& r) const { return r.text(); }
  std::string operator()(const ApiUnsupported& u) const {
    return u.why == ApiUnsupported::Why::TooBig ? (*this)(Unsupported{Unsupported::Why::TooBig, u.size, u.limit})
                                                : u.text;
  }
  std::string operator()(const SessionFailure& u) const {
    if (u.reply) return u.reply->text();
    switch (u.error) {
      case SessionError::NotFound:
      case SessionError::LookupFailed: return fmt::format("name service error for {}", u.detail);
      case SessionError::NullMx: return "does not accept mail (nullMX)";
      case SessionError::LoopsBack: return "loops back to myself";
      case SessionError::NoPrimary: return "no primary relay";
      case SessionError::TimedOut:
        if (u.stage == Stage::Resolve) return u.detail;
        return u.stage == Stage::Connect ? "connection timed out"
                                         : fmt::format("timed out while {}", while_doing(u.stage));
      case SessionError::Lost: return fmt::format("lost connection while {}", while_doing(u.stage));
      case SessionError::TlsMissing: return "does not offer TLS";
      case SessionError::NoCredentials: return fmt::format("no credentials: {}", u.detail);
      default: return u.detail;
    }
  }
  std::string operator()(const Skipped& p) const { return state_of(p); }
  std::string operator()(const ProtocolError& g) const { return g.what; }
  std::string operator()(const Accepted& a) const { return a.reply.text(); }
  std::string operator()(const Deliverable& d) const { return d.reply.text(); }
  std::string operator()(const Unconfirmed& u) const { return u.what + " after end of data"; }
  std::string operator()(const Aborted&) const { return "given up"; }
};

constexpr std::size_t kBriefOctets = 160;

}  // namespace

std::string Peer::text() const {
  return ip.empty() ? printable(relay) : fmt::format("{}[{}]:{}", printable(host), ip, port);
}

std::string endpoint_text(const std::string& ip, std::uint16_t port) {
  return ip.find(':') == ip.npos ? fmt::format("{}:{}", ip, port) : fmt::format("[{}]:{}", ip, port);
}

Attempt for_senders(Attempt attempt) {
  if (auto* const unreached = std::get_if<SessionFailure>(&attempt.what)) {
    unreached->detail = without_directories(unreached->detail);
  } else if (auto* const passed = std::get_if<Skipped>(&attempt.what)) {
    passed->words = without_directories(passed->words);
  }
  return attempt;
}

std::string describe(const Attempt& attempt) { return printable(std::visit(Describer{attempt.peer}, attempt.what)); }

std::string describe_briefly(const Attempt& attempt) {
  const std::string words = printable(std::visit(Briefer{}, attempt.what));
  const std::string_view clipped = clip(words, kBriefOctets);
  // What is remembered is remembered of a relay, and several may have one host.
  const bool passed = std::holds_alternative<Skipped>(attempt.what);
  const std::string& name = passed || attempt.peer.host.empty() ? attempt.peer.relay : attempt.peer.host;
  return fmt::format("{}: {}{}", printable(name), clipped, clipped.size() < words.size() ? "..." : "");
}

}  // namespace relaypipe
