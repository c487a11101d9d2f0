#include "deliver/deliver.h"

#include <algorithm>
#include <array>
#include <map>

#include "deliver/attempt.h"
#include "deliver/race.h"
#include "message/completeness.h"
#include "relay/units.h"
#include "state/same_message.h"

namespace relaypipe {
namespace {

/// How often a delivery looks whether an earlier one of the same message has ended.
constexpr Duration kLookAgain = std::chrono::milliseconds(100);

class Delivery {
 public:
  Delivery(const DeliveryRequest& request, Services& services, bool& accepted)
      : request_(request),
        services_(services),
        accepted_(accepted),
        deadline_(request.started + request.settings.deadline),
        same_message_(request.envelope, services.message, services.history, request.settings) {}

  Delivered run() {
    std::optional<Verdict> settled = begin();
    if (!settled && !halt_) {
      race_.emplace(request_.plan, request_.settings, request_.self, request_.random);
      try_relays();
    }
    delays_.total = now() - request_.started;
    if (settled) return {*std::move(settled), delays_};
    Verdict verdict =
        halt_ ? halted_verdict(*halt_, halt_detail_, attempts_) : fold_verdict(attempts_, request_.plan.narrowed);
    Counters results = results_of(attempts_, verdict);
    return {std::move(verdict), delays_, logged_, std::move(results)};
  }

 private:
  /// Makes sure that nobody else delivers this message, and looks what is remembered. The verdict, where an earlier
  /// delivery has settled the matter, or still runs.
  std::optional<Verdict> begin() {
    if (auto busy = await_turn()) return busy;
    if (halt_) return std::nullopt;
    services_.history.open(request_.plan);
    if (!same_message_.known()) return std::nullopt;
    while (!halted() && services_.message.state() != MessageSource::State::Complete)
      services_.event_loop.wait(deadline_.end());
    if (halt_) return std::nullopt;
    auto settled = same_message_.recognise(request_.plan);
    accepted_ = settled.has_value();
    return settled;
  }

  std::optional<Verdict> await_turn() {
    const std::vector<std::string> names = same_message_.names();
    if (names.empty()) return std::nullopt;
    const Instant end = deadline_.step(now(), request_.settings.duplicate_wait);
    while (services_.lock.take(names) == DeliveryLock::State::Anothers) {
      if (halted()) return std::nullopt;
      if (now() >= end) {
        return Verdict{Disposition::Deferred, {4, 3, 0}, "an earlier delivery of this message is still running", {}};
      }
      services_.event_loop.wait(std::min(end, now() + kLookAgain));
    }
    return std::nullopt;
  }

  void try_relays() {
    while (const auto session = open_session()) {
      if (settles(transact(*session))) break;
    }
    if (halt_) race_->abandon(now(), [&](DialId id) { return services_.dialer.progress(id); });
    note_race();
    for (const Leg& leg : request_.plan.legs)
      services_.history.release(leg);
    services_.history.flush();
  }

  /// The next ready session, with the message complete; nothing when the plan is used up or the delivery has to stop.
  std::unique_ptr<Session> open_session() {
    std::unique_ptr<Session> ready;
    bool waited = false;  // for the message, with a ready session
    // What came in during the transaction before this is received before anything is decided.
    for (receive(ready); !halted(); receive(ready)) {
      if (!ready) {
        advance();
        if (race_->exhausted()) return nullptr;
      } else if (services_.message.state() != MessageSource::State::Complete) {
        waited = true;
      } else if (waited && is_over(*ready)) {
        // It was opened while the message still came, and the relay did not wait for it: no failure of anybody.
        ready.reset();
        race_->reopen_winner(now());
        waited = false;
        continue;
      } else {
        return ready;
      }
      services_.event_loop.wait(std::min(ready ? deadline_.end() : race_->wake(now()), deadline_.end()));
    }
    return nullptr;
  }

  /// Whether the relay has ended a session in which nothing was asked yet: it closed it, or said something first (421).
  static bool is_over(Session& session) {
    std::array<char, 512> buffer;
    return session.receive(buffer) > 0 || session.ended();
  }

  void advance() {
    const auto progress_of = [&](DialId id) { return services_.dialer.progress(id); };
    for (auto acts = race_->advance(now(), progress_of); !acts.empty(); acts = race_->advance(now(), progress_of))
      perform(acts);
    note_race();
  }

  void perform(const std::vector<Race::Act>& acts) {
    for (const Race::Act& act : acts) {
      if (const auto* ask = std::get_if<Race::Ask>(&act)) services_.resolver.ask(ask->query);
      if (const auto* dial = std::get_if<Race::Dial>(&act)) {
        services_.dialer.start(dial->id, dial->target);
        opening_[dial->id] = {dial->target.relay, services_.dialer.progress(dial->id).step};
        note_progress_at(dial->target.relay);
      }
      if (const auto* give_up = std::get_if<Race::GiveUp>(&act)) {
        opening_.erase(give_up->id);
        const Progress progress = services_.dialer.progress(give_up->id);
        services_.dialer.cancel(give_up->id);
        race_->given_up(give_up->id, progress, now());
      }
      if (const auto* admit = std::get_if<Race::Admit>(&act)) ask_history(*admit);
    }
  }

  void ask_history(const Race::Admit& admit) {
    auto answer = services_.history.admit(request_.plan.legs[admit.leg], admit.waited);
    switch (answer.kind) {
      case Admission::Kind::Go: return race_->admitted(admit.leg);
      case Admission::Kind::Later: return race_->postponed(admit.leg, deadline_.step(now(), answer.at - now()));
      case Admission::Kind::No: return race_->skipped(admit.leg, std::move(answer.why), now());
    }
  }

  /// A session is ready. The other legs' attempts are over, for now or for ever.
  void win(DialId id, const Session& session) {
    perform(race_->won(id, now()));
    const std::size_t leg = race_->winner_leg();
    note_race();
    for (std::size_t other = 0; other < request_.plan.legs.size(); ++other) {
      if (other == leg || !services_.history.release(request_.plan.legs[other])) continue;
      race_->released(other);
    }
    const Instant began = race_->winner_started();
    services_.history.ready(request_.plan.legs[leg], race_->winner(), began, now() - began,
                            session.facts().certificate_end);
  }

  void receive(std::unique_ptr<Session>& ready) {
    note_message();
    for (const LookupEvent& event : services_.resolver.take_answers())
      race_->answered(event.query, event.answer, now());
    for (DialEvent& event : services_.dialer.take_events()) {
      opening_.erase(event.id);
      if (const auto* why = std::get_if<SessionFailure>(&event.result)) {
        race_->failed(event.id, *why, now());
      } else if (auto session = std::move(std::get<std::unique_ptr<Session>>(event.result)); ready) {
        // Ready too, but second: it goes politely. given_up() was called when it lost.
        session->send("QUIT\r\n");
      } else {
        ready = std::move(session);
        win(event.id, *ready);
      }
    }
    note_progress();
    note_race();
  }

  /// Whoever waits for what this delivery finds at a relay is to know that it goes on.
  void note_progress() {
    for (auto& [id, opening] : opening_) {
      const std::optional<Instant> step = services_.dialer.progress(id).step;
      if (step == opening.step) continue;
      opening.step = step;
      note_progress_at(opening.relay);
    }
  }

  void note_progress_at(const Relay* relay) {
    for (const Leg& leg : request_.plan.legs) {
      if (&leg.relay == relay) services_.history.progressed(leg);
    }
  }

  Attempt transact(Session& session) {
    const Instant begun = now();
    session_ = session_words(session.facts());
    const AttemptContext context{.envelope = request_.envelope,
                                 .message = services_.message,
                                 .relay = race_->winner_relay(),
                                 .deadline = deadline_,
                                 .clock = services_.clock,
                                 .event_loop = services_.event_loop,
                                 .journal = &services_.journal,
                                 .trace = services_.trace,
                                 .halted = [&] { return halted(); },
                                 .others_left = race_->others_left(),
                                 .one_by_one = request_.plan.legs[race_->winner_leg()].one_by_one};
    AttemptResult shown = run_attempt(session, race_->winner(), context);
    accepted_ = std::holds_alternative<Accepted>(shown);
    return {race_->winner(), std::move(shown), begun - race_->winner_started(), now() - begun};
  }

  /// Records an attempt; whether nothing more is to be tried.
  bool settles(Attempt attempt) {
    // A dot whose reply nobody waited for any longer was not lost by the relay.
    const bool broken_off = halt_.has_value();
    delays_.setup = now() - request_.started - delays_.reading - attempt.transfer;
    delays_.transfer = attempt.transfer;
    const std::size_t leg = race_->winner_leg();
    const Instant began = race_->winner_started();
    same_message_.keep(attempt, services_.parent.state() == Parent::State::Present);
    ClassifiedAttempt classified = judge(std::move(attempt));
    const bool stop = classified.classification.next == Next::Stop;
    // The dot decides: a halt that came after it does not overrule what the relay said, or did not say.
    if (stop && !std::holds_alternative<Aborted>(classified.attempt.what))
      halt_.reset();
    else if (stop && !halt_)
      halt(Halt::SpoolFailed, "it cannot be read back");
    if (!stop) race_->spend_winner(now());
    record(leg, classified, began, stop || !race_->open(leg), broken_off);
    services_.history.flush();
    note(std::move(classified));
    session_.clear();
    return stop;
  }

  /// With `used_up` the history takes back what it gave for the leg, so the race has to ask anew before it tries it
  /// again.
  void record(std::size_t leg, const ClassifiedAttempt& classified, Instant began, bool used_up,
              bool broken_off = false) {
    services_.history.record(request_.plan.legs[leg], classified, began, used_up, broken_off);
    if (used_up) race_->released(leg);
  }

  const Leg* leg_of(const Attempt& attempt) const {
    const auto leg = std::find_if(request_.plan.legs.begin(), request_.plan.legs.end(),
                                  [&](const Leg& l) { return l.relay.name == attempt.peer.relay; });
    return leg == request_.plan.legs.end() ? nullptr : &*leg;
  }

  /// What an outcome means is asked here, once.
  ClassifiedAttempt judge(Attempt attempt) {
    const Leg* const leg = leg_of(attempt);
    const RelayRules rules = leg == nullptr ? RelayRules{} : rules_of(leg->relay);
    Classification classification = classify(attempt, rules, services_.patterns);
    return {std::move(attempt), std::move(classification)};
  }

  void note(ClassifiedAttempt classified) {
    const bool fine = classified.classification.severity == Severity::Success;
    const bool at_once = fine && attempts_.empty();
    if (!at_once)
      services_.journal.line(fine ? Journal::Level::Info : Journal::Level::Warning,
                             attempt_line(request_.envelope, classified, session_));
    attempts_.push_back(std::move(classified));
    if (at_once) log_acceptance();
  }

  /// One relay was tried and has the message: its attempt and the verdict are one line.
  void log_acceptance() {
    delays_.total = now() - request_.started;
    for (const std::string& line : verdict_lines(request_.envelope, fold_verdict(attempts_), delays_, true, session_))
      services_.journal.line(Journal::Level::Info, line);
    logged_ = true;
  }

  /// The outcomes of the race; one that decides (the recipient's domain does not exist) ends the delivery.
  void note_race() {
    const bool interrupted = halt_ && halt_ != Halt::DeadlinePassed;
    bool recorded = false;
    for (Attempt& attempt : race_->take_attempts()) {
      ClassifiedAttempt classified = judge(std::move(attempt));
      const bool final =
          classified.classification.severity == Severity::Hard && classified.classification.next == Next::Stop;
      settled_ = settled_ || final;
      // Whoever is interrupted says nothing of the relays it was waiting for.
      const Leg* const leg = leg_of(classified.attempt);
      if (leg != nullptr && !(interrupted && std::holds_alternative<Superseded>(classified.attempt.what))) {
        const auto index = static_cast<std::size_t>(leg - request_.plan.legs.data());
        record(index, classified, now() - classified.attempt.setup, !race_->open(index));
        recorded = true;
      }
      note(std::move(classified));
    }
    // At once, because whoever comes next need not meet the same.
    if (recorded) services_.history.flush();
  }

  void note_message() {
    if (message_seen_ || services_.message.state() == MessageSource::State::Reading) return;
    message_seen_ = true;
    delays_.reading = now() - request_.started;
  }

  /// Whether the delivery has to stop, for a reason that is no outcome of a relay.
  bool halted() {
    if (halt_ || settled_) return true;
    note_message();
    if (message_seen_ && services_.message.state() == MessageSource::State::Failed) {
      halt(Halt::SpoolFailed, services_.message.failure());
    } else if (message_seen_ && !complete_) {
      const auto missing = truncation(services_.message.facts(), request_.envelope, request_.settings.size_tolerance);
      if (missing) halt(Halt::Truncated, *missing);
      complete_ = !missing;
    }
    const Parent::State parent = services_.parent.state();
    if (parent == Parent::State::Gone) halt(Halt::ParentGone, "");
    if (parent == Parent::State::Terminating) halt(Halt::Terminated, "");
    if (deadline_.passed(now())) halt(Halt::DeadlinePassed, format_duration(request_.settings.deadline));
    return halt_.has_value();
  }

  void halt(Halt halt, std::string detail) {
    if (halt_) return;
    halt_ = halt;
    halt_detail_ = std::move(detail);
  }

  [[nodiscard]] Instant now() const { return services_.clock.now(); }

  const DeliveryRequest& request_;
  Services& services_;
  bool& accepted_;
  Deadline deadline_;
  SameMessage same_message_;
  std::optional<Race> race_;
  struct Opening {
    const Relay* relay = nullptr;
    std::optional<Instant> step = std::nullopt;
  };
  std::map<DialId, Opening> opening_;  ///< the attempts, and when each completed its last step
  std::vector<ClassifiedAttempt> attempts_;
  Delays delays_;
  std::optional<Halt> halt_;
  std::string halt_detail_;
  bool settled_ = false;
  bool logged_ = false;
  std::string session_;  ///< how the session of the attempt that is recorded next is protected, for its line
  bool message_seen_ = false;
  bool complete_ = false;
};

}  // namespace

Delivered deliver(const DeliveryRequest& request, Services& services, bool& accepted) {
  return Delivery(request, services, accepted).run();
}

}  // namespace relaypipe
