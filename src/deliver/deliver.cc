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
  Delivery(const Order& order, World& world, bool& accepted)
      : order_(order),
        world_(world),
        accepted_(accepted),
        deadline_(order.started + order.settings.deadline),
        same_message_(order.envelope, world.message, world.memory, order.settings) {}

  Delivered run() {
    std::optional<Verdict> settled = begin();
    if (!settled && !halt_) {
      race_.emplace(order_.plan, order_.settings, order_.self, order_.random);
      try_relays();
    }
    delays_.total = now() - order_.started;
    if (settled) return {*std::move(settled), delays_};
    Verdict verdict =
        halt_ ? halted_verdict(*halt_, halt_detail_, outcomes_) : fold_verdict(outcomes_, order_.plan.narrowed);
    Counters results = results_of(outcomes_, verdict);
    return {std::move(verdict), delays_, logged_, std::move(results)};
  }

 private:
  /// Makes sure that nobody else delivers this message, and looks what is remembered. The verdict, where an earlier
  /// delivery has settled the matter, or still runs.
  std::optional<Verdict> begin() {
    if (auto busy = await_turn()) return busy;
    if (halt_) return std::nullopt;
    world_.memory.open(order_.plan);
    if (!same_message_.known()) return std::nullopt;
    while (!halted() && world_.message.state() != MessageSource::State::Complete)
      world_.waiter.wait(deadline_.end());
    if (halt_) return std::nullopt;
    auto settled = same_message_.recognise(order_.plan);
    accepted_ = settled.has_value();
    return settled;
  }

  std::optional<Verdict> await_turn() {
    const std::vector<std::string> names = same_message_.names();
    if (names.empty()) return std::nullopt;
    const Instant end = deadline_.step(now(), order_.settings.duplicate_wait);
    while (world_.lock.take(names) == DeliveryLock::State::Anothers) {
      if (halted()) return std::nullopt;
      if (now() >= end) {
        return Verdict{Disposition::Deferred, {4, 3, 0}, "an earlier delivery of this message is still running", {}};
      }
      world_.waiter.wait(std::min(end, now() + kLookAgain));
    }
    return std::nullopt;
  }

  void try_relays() {
    while (const auto session = open_session()) {
      if (settles(transact(*session))) break;
    }
    if (halt_) race_->abandon(now(), [&](DialId id) { return world_.dialer.progress(id); });
    note_race();
    for (const Leg& leg : order_.plan.legs)
      world_.memory.release(leg);
    world_.memory.flush();
  }

  /// The next ready session, with the message complete; nothing when the plan is used up or the delivery has to stop.
  std::unique_ptr<Session> open_session() {
    std::unique_ptr<Session> ready;
    bool waited = false;  // for the message, with a ready session
    // What came in during the transaction before this is heard before anything is decided.
    for (hear(ready); !halted(); hear(ready)) {
      if (!ready) {
        advance();
        if (race_->exhausted()) return nullptr;
      } else if (world_.message.state() != MessageSource::State::Complete) {
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
      world_.waiter.wait(std::min(ready ? deadline_.end() : race_->wake(now()), deadline_.end()));
    }
    return nullptr;
  }

  /// Whether the relay has ended a session in which nothing was asked yet: it closed it, or said something first (421).
  static bool is_over(Session& session) {
    std::array<char, 512> buffer;
    return session.receive(buffer) > 0 || session.ended();
  }

  void advance() {
    const auto progress_of = [&](DialId id) { return world_.dialer.progress(id); };
    for (auto acts = race_->advance(now(), progress_of); !acts.empty(); acts = race_->advance(now(), progress_of))
      perform(acts);
    note_race();
  }

  void perform(const std::vector<Race::Act>& acts) {
    for (const Race::Act& act : acts) {
      if (const auto* ask = std::get_if<Race::Ask>(&act)) world_.resolver.ask(ask->question);
      if (const auto* dial = std::get_if<Race::Dial>(&act)) {
        world_.dialer.start(dial->id, dial->target);
        opening_[dial->id] = {dial->target.relay, world_.dialer.progress(dial->id).step};
        note_progress_at(dial->target.relay);
      }
      if (const auto* give_up = std::get_if<Race::GiveUp>(&act)) {
        opening_.erase(give_up->id);
        const Progress progress = world_.dialer.progress(give_up->id);
        world_.dialer.cancel(give_up->id);
        race_->given_up(give_up->id, progress, now());
      }
      if (const auto* admit = std::get_if<Race::Admit>(&act)) ask_memory(*admit);
    }
  }

  void ask_memory(const Race::Admit& admit) {
    auto answer = world_.memory.admit(order_.plan.legs[admit.leg], admit.waited);
    switch (answer.kind) {
      case Admission::Kind::Go: return race_->admitted(admit.leg);
      case Admission::Kind::Later: return race_->postponed(admit.leg, deadline_.step(now(), answer.at - now()));
      case Admission::Kind::No: return race_->passed_over(admit.leg, std::move(answer.why), now());
    }
  }

  /// A session is ready. The other legs' attempts are over, for now or for ever.
  void win(DialId id, const Session& session) {
    perform(race_->won(id, now()));
    const std::size_t leg = race_->winner_leg();
    note_race();
    for (std::size_t other = 0; other < order_.plan.legs.size(); ++other) {
      if (other == leg || !world_.memory.release(order_.plan.legs[other])) continue;
      race_->released(other);
    }
    const Instant began = race_->winner_started();
    world_.memory.ready(order_.plan.legs[leg], race_->winner(), began, now() - began, session.facts().certificate_end);
  }

  void hear(std::unique_ptr<Session>& ready) {
    note_message();
    for (const LookupEvent& event : world_.resolver.take_answers())
      race_->answered(event.question, event.answer, now());
    for (DialEvent& event : world_.dialer.take_events()) {
      opening_.erase(event.id);
      if (const auto* why = std::get_if<Unreached>(&event.result)) {
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
      const std::optional<Instant> step = world_.dialer.progress(id).step;
      if (step == opening.step) continue;
      opening.step = step;
      note_progress_at(opening.relay);
    }
  }

  void note_progress_at(const Relay* relay) {
    for (const Leg& leg : order_.plan.legs) {
      if (&leg.relay == relay) world_.memory.progressed(leg);
    }
  }

  Outcome transact(Session& session) {
    const Instant begun = now();
    session_ = session_words(session.facts());
    const AttemptContext context{.envelope = order_.envelope,
                                 .message = world_.message,
                                 .relay = race_->winner_relay(),
                                 .deadline = deadline_,
                                 .clock = world_.clock,
                                 .waiter = world_.waiter,
                                 .journal = &world_.journal,
                                 .trace = world_.trace,
                                 .halted = [&] { return halted(); },
                                 .others_left = race_->others_left(),
                                 .one_by_one = order_.plan.legs[race_->winner_leg()].one_by_one};
    Showing shown = run_attempt(session, race_->winner(), context);
    accepted_ = std::holds_alternative<Accepted>(shown);
    return {race_->winner(), std::move(shown), begun - race_->winner_started(), now() - begun};
  }

  /// Records an attempt; whether nothing more is to be tried.
  bool settles(Outcome outcome) {
    // A dot whose reply nobody waited for any longer was not lost by the relay.
    const bool broken_off = halt_.has_value();
    delays_.setup = now() - order_.started - delays_.reading - outcome.transfer;
    delays_.transfer = outcome.transfer;
    const std::size_t leg = race_->winner_leg();
    const Instant began = race_->winner_started();
    same_message_.keep(outcome, world_.caller.state() == Caller::State::Present);
    Judged judged = judge(std::move(outcome));
    const bool stop = judged.judgement.next == Next::Stop;
    // The dot decides: a halt that came after it does not overrule what the relay said, or did not say.
    if (stop && !std::holds_alternative<Withheld>(judged.outcome.what))
      halt_.reset();
    else if (stop && !halt_)
      halt(Halt::SpoolFailed, "it cannot be read back");
    if (!stop) race_->spend_winner(now());
    learn(leg, judged, began, stop || !race_->open(leg), broken_off);
    world_.memory.flush();
    note(std::move(judged));
    session_.clear();
    return stop;
  }

  /// With `used_up` memory takes back what it gave for the leg, so the race has to ask anew before it tries it again.
  void learn(std::size_t leg, const Judged& judged, Instant began, bool used_up, bool broken_off = false) {
    world_.memory.learn(order_.plan.legs[leg], judged, began, used_up, broken_off);
    if (used_up) race_->released(leg);
  }

  const Leg* leg_of(const Outcome& outcome) const {
    const auto leg = std::find_if(order_.plan.legs.begin(), order_.plan.legs.end(),
                                  [&](const Leg& l) { return l.relay.name == outcome.where.relay; });
    return leg == order_.plan.legs.end() ? nullptr : &*leg;
  }

  /// What an outcome means is asked here, once.
  Judged judge(Outcome outcome) {
    const Leg* const leg = leg_of(outcome);
    const RelayRules rules = leg == nullptr ? RelayRules{} : rules_of(leg->relay);
    Judgement judgement = classify(outcome, rules, world_.patterns);
    return {std::move(outcome), std::move(judgement)};
  }

  void note(Judged judged) {
    const bool fine = judged.judgement.severity == Severity::Success;
    const bool at_once = fine && outcomes_.empty();
    if (!at_once)
      world_.journal.line(fine ? Journal::Level::Info : Journal::Level::Warning,
                          attempt_line(order_.envelope, judged, session_));
    outcomes_.push_back(std::move(judged));
    if (at_once) log_acceptance();
  }

  /// One relay was tried and has the message: its attempt and the verdict are one line.
  void log_acceptance() {
    delays_.total = now() - order_.started;
    for (const std::string& line : verdict_lines(order_.envelope, fold_verdict(outcomes_), delays_, true, session_))
      world_.journal.line(Journal::Level::Info, line);
    logged_ = true;
  }

  /// The outcomes of the race; one that decides (the recipient's domain does not exist) ends the delivery.
  void note_race() {
    const bool interrupted = halt_ && halt_ != Halt::DeadlinePassed;
    bool learned = false;
    for (Outcome& outcome : race_->take_outcomes()) {
      Judged judged = judge(std::move(outcome));
      const bool final = judged.judgement.severity == Severity::Hard && judged.judgement.next == Next::Stop;
      settled_ = settled_ || final;
      // Whoever is interrupted says nothing of the relays it was waiting for.
      const Leg* const leg = leg_of(judged.outcome);
      if (leg != nullptr && !(interrupted && std::holds_alternative<Outrun>(judged.outcome.what))) {
        const auto index = static_cast<std::size_t>(leg - order_.plan.legs.data());
        learn(index, judged, now() - judged.outcome.setup, !race_->open(index));
        learned = true;
      }
      note(std::move(judged));
    }
    // At once, because whoever comes next need not meet the same.
    if (learned) world_.memory.flush();
  }

  void note_message() {
    if (message_seen_ || world_.message.state() == MessageSource::State::Reading) return;
    message_seen_ = true;
    delays_.reading = now() - order_.started;
  }

  /// Whether the delivery has to stop, for a reason that is no outcome of a relay.
  bool halted() {
    if (halt_ || settled_) return true;
    note_message();
    if (message_seen_ && world_.message.state() == MessageSource::State::Failed) {
      halt(Halt::SpoolFailed, world_.message.failure());
    } else if (message_seen_ && !complete_) {
      const auto missing = truncation(world_.message.facts(), order_.envelope, order_.settings.size_tolerance);
      if (missing) halt(Halt::Truncated, *missing);
      complete_ = !missing;
    }
    const Caller::State caller = world_.caller.state();
    if (caller == Caller::State::Gone) halt(Halt::CallerGone, "");
    if (caller == Caller::State::Terminating) halt(Halt::Terminated, "");
    if (deadline_.passed(now())) halt(Halt::DeadlinePassed, format_duration(order_.settings.deadline));
    return halt_.has_value();
  }

  void halt(Halt halt, std::string detail) {
    if (halt_) return;
    halt_ = halt;
    halt_detail_ = std::move(detail);
  }

  [[nodiscard]] Instant now() const { return world_.clock.now(); }

  const Order& order_;
  World& world_;
  bool& accepted_;
  Deadline deadline_;
  SameMessage same_message_;
  std::optional<Race> race_;
  struct Opening {
    const Relay* relay = nullptr;
    std::optional<Instant> step = std::nullopt;
  };
  std::map<DialId, Opening> opening_;  ///< the attempts, and when each completed its last step
  std::vector<Judged> outcomes_;
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

Delivered deliver(const Order& order, World& world, bool& accepted) { return Delivery(order, world, accepted).run(); }

}  // namespace relaypipe
