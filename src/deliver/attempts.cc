#include "deliver/attempts.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "verdict/doubtful_acceptance.h"
#include "verdict/recipient_results.h"

namespace relaypipe {
namespace {

/// Whether an attempt settles the matter for whom it concerns. What was broken off settles nothing; and where there was
/// no session only a domain that takes no mail does: other relays may be on the way to one.
bool settles(const ClassifiedAttempt& classified) {
  const AttemptResult& what = classified.attempt.what;
  if (classified.classification.next != Next::Stop || std::holds_alternative<Aborted>(what)) return false;
  return !std::holds_alternative<SessionFailure>(what) || classified.classification.severity == Severity::Hard;
}

}  // namespace

Attempts::Attempts(const DeliveryRequest& request, const Services& services)
    : request_(request), services_(services), places_(request.envelope.recipients.size()) {
  std::iota(places_.begin(), places_.end(), std::size_t{0});
}

ClassifiedAttempt Attempts::classify(Attempt attempt) const {
  if (!all_left() && attempt.recipients.empty()) attempt.recipients = places_;
  const Relay& relay = request_.plan.legs[attempt.leg].relay;
  RelayRules rules = rules_of(relay);
  rules.on_unconfirmed = request_.settings.on_unconfirmed;
  rules.sender_is_ours =
      rewritten(relay.rewriting.envelope_sender, request_.envelope.sender, relay.settings->recipient_delimiter)
          .has_value();
  Classification classification = relaypipe::classify(attempt, rules, services_.patterns);
  return {std::move(attempt), std::move(classification)};
}

bool Attempts::would_settle(std::span<const ClassifiedAttempt> attempts) const {
  std::size_t settled = 0;
  for (const ClassifiedAttempt& one : attempts) {
    if (!settles(one)) continue;
    if (one.attempt.recipients.empty()) return true;
    settled += one.attempt.recipients.size();
  }
  return settled == places_.size();
}

void Attempts::add(ClassifiedAttempt classified, std::string_view session, Delays delays) {
  const bool accepted = classified.classification.severity == Severity::Success;
  const bool at_once = accepted && !request_.verify && attempts_.empty() && would_settle({&classified, 1});
  if (!at_once) {
    services_.journal.line(accepted ? Journal::Level::Info : Journal::Level::Warning,
                           attempt_line(request_.envelope, classified, session));
  }
  warn_of_doubt(classified.attempt);
  if (settles(classified)) take_out(classified.attempt);
  attempts_.push_back(std::move(classified));
  if (at_once) log_acceptance(delays, session);
}

/// Of a relay that took the message and may drop it.
void Attempts::warn_of_doubt(const Attempt& attempt) const {
  const auto* const accepted = std::get_if<Accepted>(&attempt.what);
  if (accepted == nullptr) return;
  const auto doubt = doubtful_acceptance(request_.plan.legs[attempt.leg].relay.provider, accepted->reply);
  if (!doubt) return;
  services_.journal.line(Journal::Level::Warning,
                         fmt::format("{}: host {} accepted the message {}", log_id(request_.envelope.queue_id),
                                     attempt.peer.text(), *doubt));
}

void Attempts::take_out(const Attempt& attempt) {
  const auto concerned = [&](std::size_t place) {
    return std::find(attempt.recipients.begin(), attempt.recipients.end(), place) != attempt.recipients.end();
  };
  if (attempt.recipients.empty())
    places_.clear();
  else
    std::erase_if(places_, concerned);
  settled_ = places_.empty();
}

/// Made when it is asked for: of a message to thousands, each refused by itself, it would be made thousands of times.
const Envelope& Attempts::offered(std::size_t most) {
  const bool cut = request_.each_recipient && !request_.verify && places_.size() > most;
  offered_ = cut ? most : places_.size();
  if (all_left() && !cut) return request_.envelope;
  return narrowed_.emplace(request_.envelope.with_recipients(std::span(places_).first(offered_)));
}

std::vector<Attempt> Attempts::split(const Attempt& whole, std::span<const Reply> replies) const {
  const bool taken = std::holds_alternative<Accepted>(whole.what) || std::holds_alternative<Unconfirmed>(whole.what);
  const std::span<const std::size_t> places = std::span(places_).first(taken ? offered_ : places_.size());
  std::vector<Attempt> attempts;
  for (RecipientResult& one : split_by_recipient(whole.what, replies, places)) {
    attempts.push_back(whole);
    attempts.back().what = std::move(one.what);
    attempts.back().recipients = std::move(one.recipients);
  }
  return attempts;
}

void Attempts::log_acceptance(Delays delays, std::string_view session) {
  delays.total = services_.clock.now() - request_.started;
  const std::vector<Verdict> verdicts{fold_verdict(attempts_)};
  for (const std::string& line : verdict_lines(request_.envelope, verdicts, delays, true, session))
    services_.journal.line(Journal::Level::Info, line);
  verdict_logged_ = true;
}

std::vector<Verdict> Attempts::verdicts(const std::optional<StopReason>& stop) const {
  const auto verdict_of = [&](std::span<const ClassifiedAttempt> attempts, bool left) {
    if (left && stop) return halted_verdict(stop->halt, stop->detail, attempts);
    return fold_verdict(attempts, request_.plan.narrowed);
  };
  if (!request_.each_recipient) return {verdict_of(attempts_, !settled_)};
  std::vector<std::vector<ClassifiedAttempt>> own(request_.envelope.recipients.size());
  for (const ClassifiedAttempt& one : attempts_) {
    for (const std::size_t place : recipients_of(one.attempt, request_.envelope))
      own[place].push_back(one);
  }
  std::vector<Verdict> verdicts;
  for (std::size_t place = 0; place < own.size(); ++place) {
    const bool left = std::binary_search(places_.begin(), places_.end(), place);
    verdicts.push_back(verdict_of(own[place], left));
  }
  return verdicts;
}

}  // namespace relaypipe
