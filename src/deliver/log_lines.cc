#include "deliver/log_lines.h"

#include <fmt/format.h>

#include "base/printable.h"
#include "relay/reply_words.h"

namespace relaypipe {
namespace {

constexpr std::size_t kTextOctets = 1500;  ///< syslog daemons cut longer lines

/// Seconds as Postfix writes them: two significant digits below ten, whole above.
std::string seconds(Duration span) {
  const double s = std::chrono::duration<double>(span).count();
  if (s < 0.005) return "0";
  return s < 10 ? fmt::format("{:.2g}", s) : fmt::format("{:.0f}", s);
}

std::string id(const Envelope& envelope) {
  return envelope.queue_id.empty() ? "NOQUEUE" : printable(envelope.queue_id);
}

std::string relay_of(const Where& where) { return where.relay.empty() ? "none" : where.text(); }

std::string_view verdict_of(Disposition disposition) {
  switch (disposition) {
    case Disposition::Delivered: return "sent";
    case Disposition::Deferred: return "deferred";
    case Disposition::Bounced: break;
  }
  return "bounced";
}

std::string_view result_of(const Outcome& outcome, const Judgement& judgement) {
  if (std::holds_alternative<Unconfirmed>(outcome.what)) return "unconfirmed";
  if (judgement.severity == Severity::Success) return "accepted";
  if (std::holds_alternative<Outrun>(outcome.what)) return "outrun";
  if (std::holds_alternative<PassedOver>(outcome.what)) return "passed-over";
  return judgement.next == Next::Stop ? "refused" : "failed";
}

/// Why, and until when, where these are known.
std::string reason_of(const Judgement& judgement) {
  if (judgement.severity == Severity::Success) return "";
  std::string text;
  if (judgement.cause != Cause::Unknown) text += fmt::format(", cause={}", cause_name(judgement.cause));
  if (judgement.until.kind != Until::Kind::Unknown) text += fmt::format(", until={}", until_text(judgement.until));
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

std::string attempt_line(const Envelope& envelope, const Judged& judged, std::string_view session) {
  const auto& [outcome, judgement] = judged;
  const std::string first = envelope.recipients.empty() ? "" : printable(envelope.recipients.front().text());
  const std::string more = envelope.recipients.size() > 1 ? fmt::format(", nrcpt={}", envelope.recipients.size()) : "";
  const std::string text = describe(outcome);
  return fmt::format("{}: to=<{}>{}, relay={}, delay={}, delays=0/0/{}/{}{}, dsn={}{}, attempt={} ({})", id(envelope),
                     first, more, relay_of(outcome.where), seconds(outcome.setup + outcome.transfer),
                     seconds(outcome.setup), seconds(outcome.transfer), session, judgement.status.text(),
                     reason_of(judgement), result_of(outcome, judgement), clip(text, kTextOctets));
}

std::vector<std::string> verdict_lines(const Envelope& envelope, const Verdict& verdict, const Delays& delays,
                                       bool at_once, std::string_view session) {
  std::vector<std::string> lines;
  for (const Address& recipient : envelope.recipients) {
    lines.push_back(fmt::format("{}: to=<{}>, relay={}, delay={}, delays={}/0/{}/{}{}, dsn={}, {}verdict={} ({})",
                                id(envelope), printable(recipient.text()), relay_of(verdict.where),
                                seconds(delays.total), seconds(delays.reading), seconds(delays.setup),
                                seconds(delays.transfer), session, verdict.status.text(),
                                at_once && lines.empty() ? "attempt=accepted, " : "", verdict_of(verdict.disposition),
                                clip(verdict.log_text(), kTextOctets)));
  }
  return lines;
}

}  // namespace relaypipe
