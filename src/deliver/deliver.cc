#include "deliver/deliver.h"

#include <algorithm>
#include <utility>

#include "deliver/attempt.h"
#include "deliver/session_opener.h"
#include "state/same_message.h"

namespace relaypipe {
namespace {

/// How often a delivery looks whether an earlier one of the same message has ended.
constexpr Duration kLookAgain = std::chrono::milliseconds(100);

class Delivery {
 public:
  Delivery(const DeliveryRequest& request, Services& services)
      : request_(request),
        services_(services),
        stop_(services.clock, services.parent, services.message, request.envelope, request.settings,
              Deadline(request.started + request.settings.deadline)),
        attempts_(request, services),
        same_message_(request.envelope, services.message, services.history, request.settings) {}

  Delivered run() {
    std::optional<Verdict> settled = begin();
    if (!settled && !stop_.reason()) try_relays();
    delays_.total = now() - request_.started;
    if (settled) return {*std::move(settled), delays()};
    Verdict verdict = stop_.reason() ? halted_verdict(stop_.reason()->halt, stop_.reason()->detail, attempts_.all())
                                     : fold_verdict(attempts_.all(), request_.plan.narrowed);
    Counters results = results_of(attempts_.all(), verdict);
    return {std::move(verdict), delays(), attempts_.verdict_logged(), std::move(results)};
  }

 private:
  /// Makes sure that nobody else delivers this message, and looks what is remembered. The verdict, where an earlier
  /// delivery has settled the matter, or still runs.
  std::optional<Verdict> begin() {
    if (auto busy = await_turn()) return busy;
    if (stop_.reason()) return std::nullopt;
    services_.history.open(request_.plan);
    if (!same_message_.known()) return std::nullopt;
    while (!stop_.poll() && !stop_.message_complete())
      services_.event_loop.wait(stop_.deadline().end());
    if (stop_.reason()) return std::nullopt;
    auto settled = same_message_.recognise(request_.plan);
    if (settled) services_.parent.accepted();
    return settled;
  }

  std::optional<Verdict> await_turn() {
    const std::vector<std::string> names = same_message_.names();
    if (names.empty()) return std::nullopt;
    const Instant end = stop_.deadline().step(now(), request_.settings.duplicate_wait);
    while (services_.lock.take(names) == DeliveryLock::State::Anothers) {
      if (stop_.poll()) return std::nullopt;
      if (now() >= end) {
        return Verdict{Disposition::Deferred, {4, 3, 0}, "an earlier delivery of this message is still running", {}};
      }
      services_.event_loop.wait(std::min(end, now() + kLookAgain));
    }
    return std::nullopt;
  }

  void try_relays() {
    SessionOpener opener(request_, services_, stop_, attempts_);
    while (const auto session = opener.next()) {
      if (settles(transact(*session, opener), session_words(session->facts()), opener)) break;
    }
    opener.close();
  }

  Attempt transact(Session& session, const SessionOpener& opener) {
    const Race::Running& winner = opener.winner();
    const Leg& leg = opener.winner_leg();
    const Instant began = now();
    const AttemptContext context{.envelope = request_.envelope,
                                 .message = services_.message,
                                 .relay = leg.relay,
                                 .deadline = stop_.deadline(),
                                 .clock = services_.clock,
                                 .event_loop = services_.event_loop,
                                 .journal = &services_.journal,
                                 .trace = services_.trace,
                                 .halted = [&] { return stop_.poll(); },
                                 .others_left = opener.others_left(),
                                 .one_by_one = leg.one_by_one};
    AttemptResult result = run_attempt(session, winner.peer, context);
    if (std::holds_alternative<Accepted>(result)) services_.parent.accepted();
    return {winner.peer, std::move(result), began - winner.started, now() - began, winner.candidate.leg};
  }

  /// Records an attempt. Whether nothing more is to be tried.
  bool settles(Attempt attempt, const std::string& session, SessionOpener& opener) {
    // A reply to the dot that we did not wait for any longer was not lost by the relay.
    const bool broken_off = stop_.reason().has_value();
    delays_.setup = now() - request_.started - delays().reading - attempt.transfer;
    delays_.transfer = attempt.transfer;
    same_message_.keep(attempt, services_.parent.state() == Parent::State::Present);
    ClassifiedAttempt classified = attempts_.classify(std::move(attempt));
    const bool settled = classified.classification.next == Next::Stop;
    // The dot decides: what would have stopped the delivery after it does not overrule what the relay said.
    if (settled && std::holds_alternative<Aborted>(classified.attempt.what))
      stop_.stop(Halt::SpoolFailed, "it cannot be read back");
    else if (settled)
      stop_.overrule();
    opener.finish_winner(classified, settled, broken_off);
    attempts_.add(std::move(classified), session, delays());
    return settled;
  }

  [[nodiscard]] Delays delays() const {
    Delays delays = delays_;
    if (stop_.message_end()) delays.reading = *stop_.message_end() - request_.started;
    return delays;
  }

  [[nodiscard]] Instant now() const { return services_.clock.now(); }

  const DeliveryRequest& request_;
  Services& services_;
  StopConditions stop_;
  Attempts attempts_;
  SameMessage same_message_;
  Delays delays_;
};

}  // namespace

Delivered deliver(const DeliveryRequest& request, Services& services) { return Delivery(request, services).run(); }

}  // namespace relaypipe
