#include "deliver/log_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "relay/reply_words.h"
#include "verdict/recipient_results.h"

namespace relaypipe {
namespace {

constexpr std::size_t kTextOctets = 1500;  ///< syslog daemons cut longer lines

/// Seconds as Postfix writes them: two significant digits below ten, whole above.
std::string seconds(Duration span) {
  const double s = std::chrono::duration<double>(span).count();
  if (s < 0.005) return "0";
  return s < 10 ? fmt::format("{:.2g}", s) : fmt::format("{:.0f}", s);
}

std::string relay_of(const Peer& peer) { return peer.relay.empty() ? "none" : peer.text(); }

std::string_view verdict_of(Disposition disposition) {
  switch (disposition) {
    case Disposition::Delivered: return "sent";
    case Disposition::Deferred: return "deferred";
    case Disposition::Bounced: break;
  }
  return "bounced";
}

/// Whether the relay was not asked because of what its interface is.
bool is_left_out(const AttemptResult& what) {
  const auto* const unfit = std::get_if<ApiUnsupported>(&what);
  return unfit != nullptr && unfit->why != ApiUnsupported::Why::TooBig && unfit->why != ApiUnsupported::Why::NotAscii;
}

std::string_view result_of(const Attempt& attempt, const Classification& classification) {
  if (std::holds_alternative<Unconfirmed>(attempt.what)) return "unconfirmed";
  if (std::holds_alternative<Deliverable>(attempt.what)) return "deliverable";
  if (classification.severity == Severity::Success) return "accepted";
  if (std::holds_alternative<Superseded>(attempt.what)) return "superseded";
  if (std::holds_alternative<Skipped>(attempt.what) || is_left_out(attempt.what)) return "skipped";
  return classification.next == Next::Stop ? "refused" : "failed";
}

/// Why, and until when, where these are known.
std::string reason_of(const Classification& classification) {
  if (classification.severity == Severity::Success) return "";
  std::string text;
  if (classification.cause != Cause::Unknown) text += fmt::format(", cause={}", cause_name(classification.cause));
  if (classification.until.kind != Until::Kind::Unknown)
    text += fmt::format(", until={}", until_text(classification.until));
  return text;
}

std::string_view trust_name(SessionFacts::TlsTrust trust) {
  switch (trust) {
    case SessionFacts::TlsTrust::Verified: return "verified";
    case SessionFacts::TlsTrust::Pinned: return "pinned";
    default: return "unverified";
  }
}

}  // namespace

std::string log_id(std::string_view queue_id) { return queue_id.empty() ? "NOQUEUE" : printable(queue_id); }

std::string session_words(const SessionFacts& facts) {
  std::string words;
  if (facts.tls_version.empty()) {
    const std::string reason = printable(facts.clear_reason);
    words = reason.empty() ? ", tls=none" : fmt::format(", tls=none ({})", reason);
  } else {
    words = fmt::format(", tls={}/{}/{}", printable(facts.tls_version), printable(facts.tls_cipher),
                        trust_name(facts.tls_trust));
  }
  if (!facts.sasl_mechanism.empty()) {
    words += fmt::format(", sasl_method={}, sasl_username={}", printable(facts.sasl_mechanism),
                         printable(facts.sasl_username));
  }
  return words;
}

std::string attempt_line(const Envelope& envelope, const ClassifiedAttempt& classified, std::string_view session) {
  const auto& [attempt, classification] = classified;
  const std::vector<std::size_t> places = recipients_of(attempt, envelope);
  const std::string first = places.empty() ? "" : printable(envelope.recipients[places.front()].text());
  const std::string more = places.size() > 1 ? fmt::format(", nrcpt={}", places.size()) : "";
  const std::string text = describe(attempt);
  return fmt::format("{}: to=<{}>{}, relay={}, delay={}, delays=0/0/{}/{}{}, dsn={}{}, attempt={} ({})",
                     log_id(envelope.queue_id), first, more, relay_of(attempt.peer),
                     seconds(attempt.setup + attempt.transfer), seconds(attempt.setup), seconds(attempt.transfer),
                     session, classification.status.text(), reason_of(classification),
                     result_of(attempt, classification), clip(text, kTextOctets));
}

std::vector<std::string> verdict_lines(const Envelope& envelope, std::span<const Verdict> verdicts,
                                       const Delays& delays, bool at_once, std::string_view session) {
  std::vector<std::string> lines;
  for (std::size_t place = 0; place < envelope.recipients.size(); ++place) {
    const Address& recipient = envelope.recipients[place];
    const Verdict& verdict = verdicts[std::min(place, verdicts.size() - 1)];
    lines.push_back(fmt::format("{}: to=<{}>, relay={}, delay={}, delays={}/0/{}/{}{}, dsn={}, {}verdict={} ({})",
                                log_id(envelope.queue_id), printable(recipient.text()), relay_of(verdict.peer),
                                seconds(delays.total), seconds(delays.reading), seconds(delays.setup),
                                seconds(delays.transfer), session, verdict.status.text(),
                                at_once && lines.empty() ? "attempt=accepted, " : "", verdict_of(verdict.disposition),
                                clip(verdict.log_text(), kTextOctets)));
  }
  return lines;
}

}  // namespace relaypipe
