#include "verdict/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/file_names.h"
#include "base/printable.h"

namespace relaypipe {
namespace {

/// How much an outcome says: what was said about the message outranks what was said about a relay, and that what was
/// only not there in time, or not asked.
int weight(const ClassifiedAttempt& classified) {
  const auto& [attempt, classification] = classified;
  if (std::holds_alternative<Skipped>(attempt.what)) return 0;
  if (std::holds_alternative<Superseded>(attempt.what)) return 1;
  if (classification.next == Next::Stop) return 4;
  if (classification.severity == Severity::Hard) return 3;
  const bool of_mail = classification.scope == Scope::Message || classification.scope == Scope::Recipient;
  return of_mail || classification.scope == Scope::Unknown ? 3 : 2;
}

bool same_relay(const ClassifiedAttempt& a, const ClassifiedAttempt& b) {
  return a.attempt.peer.relay == b.attempt.peer.relay;
}

/// The outcome that decides: a final one, else the newest about the message, else the newest of all.
std::size_t decisive(std::span<const ClassifiedAttempt> attempts) {
  std::size_t best = 0;
  int best_weight = -1;
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    const int w = weight(attempts[i]);
    // Of the relays that were skipped, the first is the one that is due soonest.
    const bool newer = !std::holds_alternative<Skipped>(attempts[i].attempt.what);
    if (w > best_weight || (w == best_weight && newer)) {
      best = i;
      best_weight = w;
    }
  }
  return best;
}

/// The other attempts in short, newest first: `; tried mail1.example: connection timed out`. One and the same thing is
/// said once.
std::string others(std::span<const ClassifiedAttempt> attempts, std::size_t decided) {
  std::string text;
  std::vector<std::string> told;
  for (std::size_t i = attempts.size(); i-- > 0;) {
    if (i == decided) continue;
    // Of the relay that decided, an address that was only slower is no news.
    const bool slower = std::holds_alternative<Superseded>(attempts[i].attempt.what);
    if (slower && decided < attempts.size() && same_relay(attempts[decided], attempts[i])) continue;
    std::string one = describe_briefly(for_senders(attempts[i].attempt));
    if (std::find(told.begin(), told.end(), one) != told.end()) continue;
    text += (told.empty() ? "; tried " : ", ") + one;
    told.push_back(std::move(one));
  }
  return text;
}

/// The decisive words and the others in what Postfix reads: neither a long reply nor many relays crowd the other out.
std::string whole_text(std::string_view decisive, std::string_view others) {
  constexpr std::size_t kRoom = kReportOctets - 16;  // beside the D.S.N and the line end
  const std::string_view rest = clip(others, std::max(kRoom / 2, kRoom - std::min(kRoom, decisive.size())));
  const std::string_view first = clip(decisive, kRoom - rest.size());
  return fmt::format("{}{}", first, rest);
}

bool is_hard(const ClassifiedAttempt& classified) { return classified.classification.severity == Severity::Hard; }

/// A relay that was reached and may take the message another time.
bool is_soft_reply(const ClassifiedAttempt& classified) {
  const AttemptResult& what = classified.attempt.what;
  const bool replied = std::holds_alternative<Refused>(what) || std::holds_alternative<RecipientsRefused>(what) ||
                       std::holds_alternative<ApiRefusal>(what);
  return replied && !is_hard(classified);
}

/// Whether every relay has refused the message for good. That a relay was not reached at another of its addresses
/// changes nothing; that another host of it said something soft does.
bool all_refused(std::span<const ClassifiedAttempt> attempts) {
  const auto any = [&](const ClassifiedAttempt& of, bool (*is)(const ClassifiedAttempt&)) {
    return std::any_of(attempts.begin(), attempts.end(),
                       [&](const ClassifiedAttempt& one) { return same_relay(one, of) && is(one); });
  };
  return std::all_of(attempts.begin(), attempts.end(),
                     [&](const ClassifiedAttempt& one) { return any(one, is_hard) && !any(one, is_soft_reply); });
}

}  // namespace

Verdict fold_verdict(std::span<const ClassifiedAttempt> attempts, bool narrowed) {
  if (attempts.empty()) return {Disposition::Deferred, {4, 3, 5}, "no relay to deliver to", {}};
  const std::size_t index = decisive(attempts);
  const auto& [attempt, classification] = attempts[index];
  Verdict verdict{Disposition::Deferred,
                  classification.status,
                  whole_text(describe(for_senders(attempt)), others(attempts, index)),
                  attempt.peer,
                  "",
                  classification.cause};
  if (classification.severity == Severity::Success) {
    verdict.disposition = Disposition::Delivered;
  } else if (is_hard(attempts[index]) && (classification.next == Next::Stop || (!narrowed && all_refused(attempts)))) {
    verdict.disposition = Disposition::Bounced;
  } else {
    verdict.status = verdict.status.as_soft();
  }
  return verdict;
}

Verdict halted_verdict(Halt halt, std::string_view detail, std::span<const ClassifiedAttempt> attempts) {
  const std::string tried = others(attempts, attempts.size());
  const auto deferred = [&](EnhancedStatus status, std::string_view what) {
    return Verdict{
        Disposition::Deferred, status, without_directories(what) + tried, {}, fmt::format("{}{}", what, tried)};
  };
  switch (halt) {
    case Halt::DeadlinePassed:
      return deferred({4, 4, 2}, fmt::format("the deadline of {} passed before a relay took the message", detail));
    case Halt::Terminated:
      return deferred({4, 3, 2}, "delivery was interrupted by a signal before a relay took the message");
    case Halt::ParentGone: return deferred({4, 3, 2}, "the writer of the message is gone; nothing was sent");
    case Halt::Truncated:
      return deferred({4, 3, 0}, fmt::format("the message is truncated: {}; nothing was sent", detail));
    case Halt::SpoolFailed: break;
  }
  return deferred({4, 3, 0}, fmt::format("the message cannot be kept: {}", detail));
}

Verdict refused_verdict(EnhancedStatus status, std::string_view text) {
  const Disposition disposition = status.klass == 5 ? Disposition::Bounced : Disposition::Deferred;
  return {disposition, status, printable(without_directories(text)), {}, printable(text)};
}

std::string report_line(const Verdict& verdict) {
  const std::string line = verdict.disposition == Disposition::Delivered
                               ? printable(verdict.text)
                               : fmt::format("{} {}", verdict.status.text(), printable(verdict.text));
  return std::string(clip(line, kReportOctets));
}

std::string log_line(const Verdict& verdict) {
  return fmt::format("{} {}", verdict.status.text(), printable(verdict.log_text()));
}

std::string plain_line(const Verdict& verdict) {
  const std::string text = printable(verdict.log_text());
  switch (verdict.disposition) {
    case Disposition::Delivered: return fmt::format("delivered: {}\n", text);
    case Disposition::Deferred:
      return fmt::format("not delivered; Postfix would keep the message and try again: {} {}\n", verdict.status.text(),
                         text);
    case Disposition::Bounced: break;
  }
  return fmt::format("refused for good; Postfix would return the message to its sender: {} {}\n", verdict.status.text(),
                     text);
}

}  // namespace relaypipe
