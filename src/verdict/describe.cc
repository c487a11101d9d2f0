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
std::string state_of(const PassedOver& passed) {
  const std::string until = passed.until == kNever ? "" : " until " + time_text(passed.until);
  switch (passed.why) {
    case PassedOver::Why::Resting: return "is not tried" + until;
    case PassedOver::Why::Probing: return "is being tried by another delivery";
    case PassedOver::Why::Suspended: return "was suspended by the administrator" + until;
    case PassedOver::Why::Exhausted: return "has its limit used up" + until;
    case PassedOver::Why::DomainNotTaken: return "does not relay to this domain" + until;
    case PassedOver::Why::SenderNotTaken: break;
  }
  return "does not take this sender" + until;
}

struct Describer {
  const Where& where;

  std::string operator()(const Accepted& accepted) const {
    return fmt::format("{}: {}", where.text(), accepted.reply.text());
  }

  std::string operator()(const Refused& refused) const {
    return fmt::format("host {} said: {} {}", where.text(), refused.reply.text(), in_reply_to(refused.stage));
  }

  std::string operator()(const RecipientsRefused& refused) const {
    std::string text =
        fmt::format("host {} said: {} {}", where.text(), refusals(refused.replies), in_reply_to(Stage::Rcpt));
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
      return fmt::format("conversation with {} timed out while {}", where.text(), while_doing(lost.stage));
    }
    return fmt::format("lost connection with {} while {}", where.text(), while_doing(lost.stage));
  }

  std::string operator()(const Garbled& garbled) const {
    return fmt::format("host {} broke the protocol while {}: {}", where.text(), while_doing(garbled.stage),
                       garbled.what);
  }

  std::string operator()(const Unconfirmed& unconfirmed) const {
    return fmt::format("{} from {} while {}", unconfirmed.what, where.text(), while_doing(Stage::EndOfData));
  }

  std::string operator()(const Withheld& withheld) const {
    return fmt::format("gave up with {} while {}", where.text(), while_doing(withheld.stage));
  }

  std::string operator()(const Outrun& outrun) const {
    return fmt::format("{} was not ready in time ({})", where.text(), while_doing(outrun.stage));
  }

  /// The words of Postfix's queue manager for a destination that is left alone (qmgr, "delivery temporarily
  /// suspended").
  std::string operator()(const PassedOver& passed) const {
    const std::string why = passed.words.empty() ? "" : ": " + passed.words;
    return fmt::format("delivery temporarily suspended, {} {}{}", where.text(), state_of(passed), why);
  }

  std::string operator()(const Unfit& unfit) const {
    if (unfit.why == Unfit::Why::NoSmtpUtf8) {
      return fmt::format("SMTPUTF8 is required, but was not offered by host {}", where.text());
    }
    return fmt::format("message size {} exceeds size limit {} of server {}", unfit.size, unfit.limit, where.text());
  }

  std::string operator()(const Unreached& unreached) const {
    return unreached.reply ? replied(unreached) : unreplied(unreached);
  }

 private:
  std::string replied(const Unreached& unreached) const {
    const std::string reply = unreached.reply->text();
    switch (unreached.stage) {
      case Stage::StartTls:
        if (unreached.reply->code == kServiceNotAvailable) break;  // of the session, whatever was asked
        return fmt::format("TLS is required, but host {} refused to start TLS: {}", where.text(), reply);
      case Stage::Auth: return fmt::format("SASL authentication failed; server {} said: {}", where.text(), reply);
      default: break;
    }
    return fmt::format("host {} refused to talk to me: {}", where.text(), reply);
  }

  std::string unreplied(const Unreached& unreached) const {
    const std::string& detail = unreached.detail;
    switch (unreached.trouble) {
      case Trouble::NotFound:
      case Trouble::LookupFailed:
        return fmt::format("Host or domain name not found. Name service error for {}", detail);
      case Trouble::NullMx: return fmt::format("Domain {} does not accept mail (nullMX)", where.host);
      case Trouble::LoopsBack: return fmt::format("mail for {} loops back to myself", where.host);
      case Trouble::NoPrimary: return fmt::format("unable to find primary relay for {}", where.host);
      case Trouble::Unconnected: return fmt::format("connect to {}: {}", where.text(), detail);
      case Trouble::TimedOut:
        if (unreached.stage == Stage::Resolve) return fmt::format("looking up {}: {}", where.host, detail);
        if (unreached.stage == Stage::Connect) return fmt::format("connect to {}: Connection timed out", where.text());
        return fmt::format("conversation with {} timed out while {}", where.text(), while_doing(unreached.stage));
      case Trouble::Lost:
        return fmt::format("lost connection with {} while {}", where.text(), while_doing(unreached.stage));
      case Trouble::Garbled:
        return fmt::format("host {} broke the protocol while {}: {}", where.text(), while_doing(unreached.stage),
                           detail);
      case Trouble::TlsMissing: return fmt::format("TLS is required, but was not offered by host {}", where.text());
      case Trouble::TlsFailed: return fmt::format("Cannot start TLS with {}: {}", where.text(), detail);
      case Trouble::Untrusted: return fmt::format("Server certificate not verified: {}: {}", where.text(), detail);
      case Trouble::AuthMissing:
        return fmt::format("SASL authentication failed; server {} offers no mechanism we can use: {}", where.text(),
                           detail);
      case Trouble::AuthRefused:
        return fmt::format("SASL authentication failed; server {} said: {}", where.text(), detail);
      case Trouble::NoCredentials: return fmt::format("no credentials for {}: {}", where.text(), detail);
      case Trouble::Misconfigured:
      case Trouble::Local: break;
    }
    return fmt::format("{}: {}", where.text(), detail);
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
  std::string operator()(const Outrun& o) const {
    return o.stage <= Stage::Connect ? "connection timed out" : fmt::format("too slow while {}", while_doing(o.stage));
  }
  std::string operator()(const Unfit& u) const {
    return u.why == Unfit::Why::TooBig ? fmt::format("takes only {} octets", u.limit) : "does not offer SMTPUTF8";
  }
  std::string operator()(const Unreached& u) const {
    if (u.reply) return u.reply->text();
    switch (u.trouble) {
      case Trouble::NotFound:
      case Trouble::LookupFailed: return fmt::format("name service error for {}", u.detail);
      case Trouble::NullMx: return "does not accept mail (nullMX)";
      case Trouble::LoopsBack: return "loops back to myself";
      case Trouble::NoPrimary: return "no primary relay";
      case Trouble::TimedOut:
        if (u.stage == Stage::Resolve) return u.detail;
        return u.stage == Stage::Connect ? "connection timed out"
                                         : fmt::format("timed out while {}", while_doing(u.stage));
      case Trouble::Lost: return fmt::format("lost connection while {}", while_doing(u.stage));
      case Trouble::TlsMissing: return "does not offer TLS";
      case Trouble::NoCredentials: return fmt::format("no credentials: {}", u.detail);
      default: return u.detail;
    }
  }
  std::string operator()(const PassedOver& p) const { return state_of(p); }
  std::string operator()(const Garbled& g) const { return g.what; }
  std::string operator()(const Accepted& a) const { return a.reply.text(); }
  std::string operator()(const Unconfirmed& u) const { return u.what + " after end of data"; }
  std::string operator()(const Withheld&) const { return "given up"; }
};

constexpr std::size_t kBriefOctets = 160;

}  // namespace

std::string Where::text() const {
  return ip.empty() ? printable(relay) : fmt::format("{}[{}]:{}", printable(host), ip, port);
}

std::string endpoint_text(const std::string& ip, std::uint16_t port) {
  return ip.find(':') == ip.npos ? fmt::format("{}:{}", ip, port) : fmt::format("[{}]:{}", ip, port);
}

Outcome for_senders(Outcome outcome) {
  if (auto* const unreached = std::get_if<Unreached>(&outcome.what)) {
    unreached->detail = without_directories(unreached->detail);
  } else if (auto* const passed = std::get_if<PassedOver>(&outcome.what)) {
    passed->words = without_directories(passed->words);
  }
  return outcome;
}

std::string describe(const Outcome& outcome) { return printable(std::visit(Describer{outcome.where}, outcome.what)); }

std::string describe_briefly(const Outcome& outcome) {
  const std::string words = printable(std::visit(Briefer{}, outcome.what));
  const std::string_view clipped = clip(words, kBriefOctets);
  // What is remembered is remembered of a relay, and several may have one host.
  const bool passed = std::holds_alternative<PassedOver>(outcome.what);
  const std::string& name = passed || outcome.where.host.empty() ? outcome.where.relay : outcome.where.host;
  return fmt::format("{}: {}{}", printable(name), clipped, clipped.size() < words.size() ? "..." : "");
}

}  // namespace relaypipe
