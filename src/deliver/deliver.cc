#include "deliver/deliver.h"

#include <algorithm>
#include <utility>

#include "deliver/attempt.h"
#include "deliver/session_opener.h"
#include "state/same_message.h"
#include "verdict/recipient_results.h"

namespace relaypipe {
namespace {

/// How often a delivery looks whether an earlier one of the same message has ended.
constexpr Duration kLookAgain = std::chrono::milliseconds(100);

/// Whether a transaction ended before the relay said anything in it that concerns the message. A temporary refusal of
/// MAIL may be about the session: 421, or that it had enough messages.
bool was_over_before(const AttemptResult& what) {
  if (const auto* const lost = std::get_if<Lost>(&what)) return lost->stage == Stage::Mail;
  const auto* const refused = std::get_if<Refused>(&what);
  return refused != nullptr && refused->stage == Stage::Mail && refused->reply.soft();
}

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
    std::optional<Verdict> known = begin();
    if (!known && !apart_ && !stop_.reason()) try_relays();
    delays_.total = now() - request_.started;
    if (apart_) return {{}, delays()};
    if (known) return {for_each_recipient(*known), delays()};
    std::vector<Verdict> verdicts = attempts_.verdicts(stop_.reason());
    Counters results = results_of(attempts_.all(), verdicts);
    return {std::move(verdicts), delays(), attempts_.verdict_logged(), std::move(results)};
  }

 private:
  /// Makes sure that nobody else delivers this message, and looks what is remembered. The verdict, where an earlier
  /// delivery has settled the matter, or still runs.
  std::optional<Verdict> begin() {
    if (auto busy = await_turn()) return busy;
    if (stop_.reason()) return std::nullopt;
    services_.history.open(request_.plan);
    if (!same_message_.known() || request_.verify) return std::nullopt;
    apart_ = request_.each_recipient && request_.envelope.recipients.size() > 1;
    if (apart_) return std::nullopt;
    while (!stop_.poll() && !stop_.message_complete())
      services_.event_loop.wait(stop_.deadline().end());
    if (stop_.reason()) return std::nullopt;
    auto known = same_message_.recognise(request_.plan);
    if (known) services_.parent.accepted(attempts_.places_left());
    return known;
  }

  std::optional<Verdict> await_turn() {
    const std::vector<std::string> names = same_message_.names();
    if (names.empty() || request_.verify) return std::nullopt;
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
      std::vector<Attempt> shown = transact(*session, opener);
      if (session->is_used() && was_over_before(shown.front().what))
        opener.reopen_winner();
      else if (is_over_after(std::move(shown), session_words(session->facts()), opener))
        break;
    }
    opener.close();
  }

  /// One transaction for the recipients that are left: what it showed, for all of them or for each.
  std::vector<Attempt> transact(Session& session, const SessionOpener& opener) {
    const Race::Running& winner = opener.winner();
    const Leg& leg = opener.winner_leg();
    const Instant began = now();
    const AttemptContext context{.envelope = attempts_.left(),
                                 .message = services_.message,
                                 .relay = leg.relay,
                                 .deadline = stop_.deadline(),
                                 .clock = services_.clock,
                                 .event_loop = services_.event_loop,
                                 .journal = &services_.journal,
                                 .trace = services_.trace,
                                 .halted = [&] { return stop_.poll(); },
                                 .others_left = opener.others_left(),
                                 .one_by_one = leg.one_by_one,
                                 .goal = goal()};
    AttemptOutcome outcome = run_attempt(session, winner.peer, context);
    const Attempt whole{winner.peer, std::move(outcome.result), began - winner.started, now() - began,
                        winner.candidate.leg};
    std::vector<Attempt> attempts =
        request_.each_recipient ? split(whole, outcome.recipient_replies) : std::vector{whole};
    for (const Attempt& attempt : attempts) {
      if (!std::holds_alternative<Accepted>(attempt.what)) continue;
      services_.parent.accepted(attempt.recipients.empty() ? attempts_.places_left() : attempt.recipients);
    }
    return attempts;
  }

  std::vector<Attempt> split(const Attempt& whole, std::span<const Reply> replies) const {
    std::vector<Attempt> attempts;
    for (RecipientResult& one : split_by_recipient(whole.what, replies, attempts_.places_left())) {
      attempts.push_back(whole);
      attempts.back().what = std::move(one.what);
      attempts.back().recipients = std::move(one.recipients);
    }
    return attempts;
  }

  [[nodiscard]] TransactionRequest::Goal goal() const {
    if (request_.verify) return TransactionRequest::Goal::Verify;
    return request_.each_recipient ? TransactionRequest::Goal::Some : TransactionRequest::Goal::All;
  }

  /// Records what a transaction showed. Whether nothing more is to be tried.
  bool is_over_after(std::vector<Attempt> shown, const std::string& session, SessionOpener& opener) {
    // A reply to the dot that we did not wait for any longer was not lost by the relay.
    const bool broken_off = stop_.reason().has_value();
    const bool present = services_.parent.state() == Parent::State::Present;
    delays_.transfer = shown.front().transfer;
    delays_.setup = now() - request_.started - delays().reading - delays_.transfer;
    const bool aborted = std::holds_alternative<Aborted>(shown.front().what);
    std::vector<ClassifiedAttempt> classified;
    for (Attempt& one : shown) {
      same_message_.keep(one, present);
      classified.push_back(attempts_.classify(std::move(one)));
    }
    const bool settled = attempts_.would_settle(classified);
    // The dot decides: what would have stopped the delivery after it does not overrule what the relay said.
    if (settled) stop_.overrule();
    if (aborted) stop_.stop(Halt::SpoolFailed, "it cannot be read back");
    opener.finish_winner(classified, settled || aborted, broken_off);
    for (ClassifiedAttempt& one : classified)
      attempts_.add(std::move(one), session, delays());
    return settled || aborted;
  }

  [[nodiscard]] std::vector<Verdict> for_each_recipient(const Verdict& verdict) const {
    return std::vector<Verdict>(request_.each_recipient ? request_.envelope.recipients.size() : 1, verdict);
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
  bool apart_ = false;  ///< each recipient is to be delivered alone
};

}  // namespace

Delivered deliver(const DeliveryRequest& request, Services& services) { return Delivery(request, services).run(); }

}  // namespace relaypipe
