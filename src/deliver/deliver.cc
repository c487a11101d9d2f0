#include "deliver/deliver.h"

#include <algorithm>

#include "config/units.h"
#include "deliver/attempt.h"
#include "deliver/race.h"
#include "message/completeness.h"

namespace relaypipe {
namespace {

class Delivery {
 public:
  Delivery(const Order& order, World& world, bool& accepted)
      : order_(order),
        world_(world),
        accepted_(accepted),
        deadline_(order.started + order.settings.deadline),
        race_(order.plan, order.settings, order.self, order.random) {}

  Delivered run() {
    while (auto session = open_session()) {
      if (settles(transact(*session))) break;
      session.reset();
      race_.spend_winner(now());
    }
    if (halt_) race_.abandon(now(), [&](DialId id) { return world_.dialer.stage(id); });
    note_race();
    delays_.total = now() - order_.started;
    return {halt_ ? halted_verdict(*halt_, halt_detail_, outcomes_) : fold_verdict(outcomes_), delays_};
  }

 private:
  /// The next ready session, with the message complete; nothing when the plan is used up or the delivery has to stop.
  std::unique_ptr<Session> open_session() {
    std::unique_ptr<Session> ready;
    // What came in during the transaction before this is heard before anything is decided.
    for (hear(ready); !halted(); hear(ready)) {
      if (!ready) {
        perform(race_.advance(now(), [&](DialId id) { return world_.dialer.stage(id); }));
        note_race();
        if (race_.exhausted()) return nullptr;
      } else if (world_.message.state() == MessageSource::State::Complete) {
        return ready;
      }
      world_.waiter.wait(std::min(ready ? deadline_.end() : race_.wake(now()), deadline_.end()));
    }
    return nullptr;
  }

  void perform(const std::vector<Race::Act>& acts) {
    for (const Race::Act& act : acts) {
      if (const auto* ask = std::get_if<Race::Ask>(&act)) world_.resolver.ask(ask->question);
      if (const auto* dial = std::get_if<Race::Dial>(&act)) world_.dialer.start(dial->id, dial->target);
      if (const auto* give_up = std::get_if<Race::GiveUp>(&act)) {
        race_.given_up(give_up->id, world_.dialer.cancel(give_up->id), now());
      }
    }
  }

  void hear(std::unique_ptr<Session>& ready) {
    note_message();
    for (const LookupEvent& event : world_.resolver.take_answers())
      race_.answered(event.question, event.answer, now());
    for (DialEvent& event : world_.dialer.take_events()) {
      if (const auto* why = std::get_if<Unreached>(&event.result)) {
        race_.failed(event.id, *why, now());
      } else if (auto session = std::move(std::get<std::unique_ptr<Session>>(event.result)); ready) {
        // Ready too, but second: it goes politely. given_up() was called when it lost.
        session->send("QUIT\r\n");
      } else {
        ready = std::move(session);
        perform(race_.won(event.id, now()));
      }
    }
    note_race();
  }

  Outcome transact(Session& session) {
    const Instant begun = now();
    const AttemptContext context{
        order_.envelope, world_.message, race_.winner_relay(),     deadline_,          world_.clock, world_.waiter,
        &world_.journal, world_.trace,   [&] { return halted(); }, race_.others_left()};
    Showing shown = run_attempt(session, race_.winner(), context);
    accepted_ = std::holds_alternative<Accepted>(shown);
    return {race_.winner(), std::move(shown), begun - race_.winner_started(), now() - begun};
  }

  /// Records an attempt; whether nothing more is to be tried.
  bool settles(Outcome outcome) {
    delays_.setup = now() - order_.started - delays_.reading - outcome.transfer;
    delays_.transfer = outcome.transfer;
    Judged judged = judge(std::move(outcome));
    const bool stop = judged.judgement.next == Next::Stop;
    // The dot decides: a halt that came after it does not overrule what the relay said, or did not say.
    if (stop && !std::holds_alternative<Withheld>(judged.outcome.what))
      halt_.reset();
    else if (stop && !halt_)
      halt(Halt::SpoolFailed, "it cannot be read back");
    note(std::move(judged));
    return stop;
  }

  /// What an outcome means is asked here, once.
  Judged judge(Outcome outcome) {
    const auto leg = std::find_if(order_.plan.legs.begin(), order_.plan.legs.end(),
                                  [&](const Leg& l) { return l.relay.name == outcome.where.relay; });
    const RelayRules rules = leg == order_.plan.legs.end() ? RelayRules{} : rules_of(leg->relay);
    Judgement judgement = classify(outcome, rules, world_.patterns);
    return {std::move(outcome), std::move(judgement)};
  }

  void note(Judged judged) {
    const bool fine = judged.judgement.severity == Severity::Success;
    world_.journal.line(fine ? Journal::Level::Info : Journal::Level::Warning, attempt_line(order_.envelope, judged));
    outcomes_.push_back(std::move(judged));
  }

  /// The outcomes of the race; one that decides (the recipient's domain does not exist) ends the delivery.
  void note_race() {
    for (Outcome& outcome : race_.take_outcomes()) {
      Judged judged = judge(std::move(outcome));
      settled_ = settled_ || judged.judgement.severity == Severity::Hard;
      note(std::move(judged));
    }
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
  Race race_;
  std::vector<Judged> outcomes_;
  Delays delays_;
  std::optional<Halt> halt_;
  std::string halt_detail_;
  bool settled_ = false;
  bool message_seen_ = false;
  bool complete_ = false;
};

}  // namespace

Delivered deliver(const Order& order, World& world, bool& accepted) { return Delivery(order, world, accepted).run(); }

}  // namespace relaypipe
