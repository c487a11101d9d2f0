#include "deliver/session_opener.h"

#include <algorithm>
#include <utility>

namespace relaypipe {
namespace {

/// Whether a result of a transaction tells of its relay what none before it told: fifty recipients that are refused
/// alike are one refusal. Which domains a relay refuses to relay to is a matter of each recipient.
bool is_news(const ClassifiedAttempt& one, std::span<const ClassifiedAttempt> before) {
  const auto alike = [&](const ClassifiedAttempt& other) {
    return one.classification.scope == other.classification.scope &&
           one.classification.severity == other.classification.severity &&
           one.classification.cause == other.classification.cause;
  };
  return one.classification.scope == Scope::RelayRecipientDomain || std::none_of(before.begin(), before.end(), alike);
}

}  // namespace

SessionOpener::SessionOpener(const DeliveryRequest& request, Services& services, StopConditions& stop,
                             Attempts& attempts)
    : request_(request),
      services_(services),
      stop_(stop),
      attempts_(attempts),
      race_(request.plan, request.settings, request.self, request.random) {}

std::unique_ptr<Session> SessionOpener::next() {
  bool waited = false;  // for the message, with a ready session
  // What came in during the transaction before is received before anything is decided.
  for (receive(); !stop_.poll() && !attempts_.settled(); receive()) {
    if (!ready_) {
      advance();
      if (attempts_.settled() || race_.exhausted()) break;
    } else if (!stop_.message_complete()) {
      waited = true;
    } else if (waited && is_over(*ready_)) {
      // It was opened while the message still came, and the relay did not wait for it: no failure of anybody.
      ready_.reset();
      race_.on(race::Reopened{}, now());
      waited = false;
      continue;
    } else {
      return std::move(ready_);
    }
    services_.event_loop.wait(wake());
  }
  ready_.reset();
  return nullptr;
}

Instant SessionOpener::wake() const {
  const Instant end = stop_.deadline().end();
  return ready_ ? end : std::min(race_.wake(now()), end);
}

void SessionOpener::finish_winner(std::span<const ClassifiedAttempt> shown, bool over, bool broken_off) {
  const Race::Running winner = race_.winner();
  if (!over) race_.on(race::Spent{}, now());
  record_winner(shown, winner, over, broken_off);
}

void SessionOpener::finish_part(std::span<const ClassifiedAttempt> shown) {
  const Race::Running winner = race_.winner();
  race_.on(race::Reopened{}, now());
  record_winner(shown, winner, false, false);
}

void SessionOpener::record_winner(std::span<const ClassifiedAttempt> shown, const Race::Running& winner, bool over,
                                  bool broken_off) {
  const std::size_t leg = winner.candidate.leg;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (is_news(shown[i], shown.first(i))) record(shown[i], winner.started, over || !race_.open(leg), broken_off);
  }
  services_.history.flush();
}

void SessionOpener::close() {
  if (stop_.reason()) {
    pass_progress_on();
    race_.on(race::Abandoned{}, now());
    advance();
  }
  for (const auto& [id, opening] : std::exchange(openings_, {}))
    services_.dialer.cancel(id);
  for (const Leg& leg : request_.plan.legs)
    services_.history.release(leg);
  services_.history.flush();
}

void SessionOpener::receive() {
  for (LookupEvent& event : services_.resolver.take_answers())
    race_.on(race::Answered{std::move(event.query), std::move(event.answer)}, now());
  std::vector<DialEvent> events = services_.dialer.take_events();
  for (const DialEvent& event : events)
    openings_.erase(event.id);
  pass_progress_on();
  for (DialEvent& event : events)
    receive(std::move(event));
}

void SessionOpener::receive(DialEvent event) {
  if (auto* const why = std::get_if<SessionFailure>(&event.result)) {
    race_.on(race::Failed{event.id, std::move(*why)}, now());
    return;
  }
  auto session = std::move(std::get<std::unique_ptr<Session>>(event.result));
  if (ready_) {
    // Ready too, but second: the race has given it up, and it goes politely.
    session->finish(SessionEnd::Clean);
    return;
  }
  ready_ = std::move(session);
  race_.on(race::Ready{event.id}, now());
  advance();
  announce_winner();
}

/// The other relays are free for others, and the history knows that this one is up.
void SessionOpener::announce_winner() {
  const Race::Running& winner = race_.winner();
  for (std::size_t other = 0; other < request_.plan.legs.size(); ++other) {
    if (other == winner.candidate.leg || !services_.history.release(request_.plan.legs[other])) continue;
    race_.on(race::Released{other}, now());
  }
  // A session that was kept says nothing new of its relay, least of all how long it takes to open one.
  if (ready_->is_used()) return;
  services_.history.ready(winner_leg(), winner.peer,
                          {.began = winner.started,
                           .took = now() - winner.started,
                           .certificate_end = ready_->facts().certificate_end,
                           .offers_dsn = ready_->capabilities().dsn});
}

/// Whoever waits for what this delivery finds at a relay has to know that it goes on.
void SessionOpener::pass_progress_on() {
  for (auto& [id, opening] : openings_) {
    const Progress progress = services_.dialer.progress(id);
    if (progress.step != opening.progress.step) services_.history.progressed(request_.plan.legs[opening.leg]);
    opening.progress = progress;
    race_.on(race::Progressed{id, progress}, now());
  }
}

void SessionOpener::advance() {
  for (auto actions = race_.advance(now()); !actions.empty() && !attempts_.settled(); actions = race_.advance(now())) {
    for (race::Action& action : actions)
      perform(action);
  }
  // At once, because whoever comes next need not meet the same.
  if (std::exchange(recorded_, false)) services_.history.flush();
}

void SessionOpener::perform(race::Action& action) {
  if (attempts_.settled()) return;
  if (auto* const attempt = std::get_if<race::Report>(&action)) report(std::move(attempt->attempt));
  if (const auto* ask = std::get_if<race::Ask>(&action)) services_.resolver.ask(ask->query);
  if (const auto* dial = std::get_if<race::Dial>(&action)) start(*dial);
  if (const auto* admit = std::get_if<race::Admit>(&action)) ask_history(*admit);
  if (const auto* give_up = std::get_if<race::GiveUp>(&action)) {
    openings_.erase(give_up->id);
    services_.dialer.cancel(give_up->id);
  }
}

void SessionOpener::start(const race::Dial& dial) {
  services_.dialer.start(dial.id, dial.target);
  openings_[dial.id] = {dial.leg, services_.dialer.progress(dial.id)};
  services_.history.progressed(request_.plan.legs[dial.leg]);
}

void SessionOpener::ask_history(const race::Admit& admit) {
  auto answer = services_.history.admit(request_.plan.legs[admit.leg], admit.waited);
  switch (answer.kind) {
    case Admission::Kind::Go: return race_.on(race::Admitted{admit.leg}, now());
    case Admission::Kind::Ask:  // the history has asked
    case Admission::Kind::Later:
      return race_.on(race::Postponed{admit.leg, stop_.deadline().step(now(), answer.at - now())}, now());
    case Admission::Kind::No: return race_.on(race::NotAdmitted{admit.leg, std::move(answer.why)}, now());
  }
}

/// An attempt ended without a session.
void SessionOpener::report(Attempt attempt) {
  ClassifiedAttempt classified = attempts_.classify(std::move(attempt));
  // An interrupted delivery must not count against relays that were still connecting.
  const bool interrupted = stop_.reason() && stop_.reason()->halt != Halt::DeadlinePassed;
  if (!interrupted || !std::holds_alternative<Superseded>(classified.attempt.what)) {
    record(classified, now() - classified.attempt.setup, !race_.open(classified.attempt.leg), false);
    recorded_ = true;
  }
  attempts_.add(std::move(classified));
}

/// With `used_up` the history takes back what it gave for the leg, so the race has to ask again before it tries it
/// again.
void SessionOpener::record(const ClassifiedAttempt& classified, Instant began, bool used_up, bool broken_off) {
  const std::size_t leg = classified.attempt.leg;
  services_.history.record(request_.plan.legs[leg], classified, began, used_up, broken_off);
  if (used_up) race_.on(race::Released{leg}, now());
}

}  // namespace relaypipe
