#include "deliver/deliver.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "deliver/attempt.h"
#include "deliver/http_attempt.h"
#include "deliver/rewritten_message.h"
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
  if (const auto* const lost = std::get_if<Lost>(&what))
    return lost->stage == Stage::Mail || lost->stage == Stage::Request;
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
      const Relay& relay = opener.winner_leg().relay;
      RewrittenMessage message(attempts_.offered(most_recipients(relay)), services_.message, relay, !request_.verify);
      std::vector<Attempt> shown = transact(*session, message, opener);
      if (is_worth_again(*session, shown.front(), opener.winner_leg()))
        opener.reopen_winner();
      else if (is_over_after(std::move(shown), session_words(session->facts()) + message.words(), opener))
        break;
    }
    opener.close();
  }

  /// Whether a transaction says nothing that a new session with the relay would not say better: one that was kept may
  /// be over, or have outlived its credentials, and a token may be renewed, once.
  bool is_worth_again(const Session& session, const Attempt& attempt, const Leg& leg) {
    if (session.is_used() && was_over_before(attempt.what)) return true;
    const bool refused = std::holds_alternative<ApiRefusal>(attempt.what) &&
                         attempts_.classify(attempt).classification.cause == Cause::Auth;
    if (!refused || stop_.reason()) return false;
    if (session.is_used()) return true;
    if (!session.credentials()->bearer || !renewed_.insert(attempt.leg).second) return false;
    services_.dialer.credentials_refused(leg.relay);
    return true;
  }

  /// One transaction for the recipients that are left, or for as many of them as the relay takes at once: what it
  /// showed, for all of them or for each.
  std::vector<Attempt> transact(Session& session, RewrittenMessage& message, const SessionOpener& opener) {
    const Race::Running& winner = opener.winner();
    const Leg& leg = opener.winner_leg();
    const Instant began = now();
    message.tell(winner.peer, log_id(request_.envelope.queue_id), services_.journal, services_.trace);
    const AttemptContext context{.envelope = message.envelope(),
                                 .message = message.message(),
                                 .relay = leg.relay,
                                 .deadline = stop_.deadline(),
                                 .clock = services_.clock,
                                 .event_loop = services_.event_loop,
                                 .journal = &services_.journal,
                                 .trace = services_.trace,
                                 .halted = [&](Parent::Look look) { return stop_.poll(look); },
                                 .others_left = opener.others_left(),
                                 .one_by_one = leg.one_by_one,
                                 .goal = goal()};
    AttemptOutcome outcome = leg.relay.destination.https
                                 ? run_http_attempt(session, winner.peer, context, *services_.https)
                                 : run_attempt(session, winner.peer, context);
    const Attempt whole{winner.peer, std::move(outcome.result), began - winner.started, now() - began,
                        winner.candidate.leg};
    std::vector<Attempt> attempts =
        request_.each_recipient ? attempts_.split(whole, outcome.recipient_replies) : std::vector{whole};
    for (const Attempt& attempt : attempts) {
      if (!std::holds_alternative<Accepted>(attempt.what)) continue;
      services_.parent.accepted(attempt.recipients.empty() ? attempts_.places_left() : attempt.recipients);
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
    const bool present = services_.parent.state(Parent::Look::Now) == Parent::State::Present;
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
    if (attempts_.offered_part() && std::holds_alternative<Accepted>(classified.front().attempt.what))
      opener.finish_part(classified);
    else
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
  bool apart_ = false;             ///< each recipient is to be delivered alone
  std::set<std::size_t> renewed_;  ///< legs whose token was fetched anew
};

}  // namespace

Delivered deliver(const DeliveryRequest& request, Services& services) { return Delivery(request, services).run(); }

}  // namespace relaypipe
