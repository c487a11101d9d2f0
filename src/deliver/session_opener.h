#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "deliver/attempts.h"
#include "deliver/race.h"
#include "deliver/services.h"
#include "deliver/stop_conditions.h"

namespace relaypipe {

/// Opens the sessions of a delivery, one after the other: carries out what the race decides (lookups, dials, questions
/// to the history) and tells it what came of it. The attempts that led to no session are recorded here.
class SessionOpener {
 public:
  /// The references outlive it.
  SessionOpener(const DeliveryRequest& request, Services& services, StopConditions& stop, Attempts& attempts);

  /// The next ready session, with the message complete. Nothing: the plan is used up, an attempt has settled the matter
  /// (the recipient's domain does not exist), or the delivery has to stop.
  std::unique_ptr<Session> next();

  /// The attempt that led to the last session.
  [[nodiscard]] const Race::Running& winner() const { return race_.winner(); }
  [[nodiscard]] const Leg& winner_leg() const { return request_.plan.legs[race_.winner().candidate.leg]; }
  /// Whether another relay is left for the message.
  [[nodiscard]] bool others_left() const { return race_.others_left(); }

  /// The winner's transaction has ended, and showed this of the recipients. `over`: nothing more is to be tried.
  /// `broken_off`: it ended as it did because the delivery has to stop.
  void finish_winner(std::span<const ClassifiedAttempt> shown, bool over, bool broken_off);
  /// The winner's transaction was for some of the recipients that are left, and they have the message: another one for
  /// the next of them follows, with the same relay.
  void finish_part(std::span<const ClassifiedAttempt> shown);
  /// The winner's session was a kept one that the relay had closed, or had outlived its credentials: it is dialled
  /// anew.
  void reopen_winner() { race_.on(race::Reopened{}, now()); }
  /// The delivery ends: what is being opened was not ready in time, and everything that was taken for the relays is
  /// given back.
  void close();

 private:
  /// An attempt that is being made, and how far the race and the history know it to be.
  struct Opening {
    std::size_t leg;
    Progress progress;
  };

  void receive();
  void receive(DialEvent event);
  void pass_progress_on();
  void advance();
  void perform(race::Action& action);
  void ask_history(const race::Admit& admit);
  void start(const race::Dial& dial);
  void announce_winner();
  void report(Attempt attempt);
  void record_winner(std::span<const ClassifiedAttempt> shown, const Race::Running& winner, bool over, bool broken_off);
  void record(const ClassifiedAttempt& classified, Instant began, bool used_up, bool broken_off);
  [[nodiscard]] Instant wake() const;
  [[nodiscard]] Instant now() const { return services_.clock.now(); }

  const DeliveryRequest& request_;
  Services& services_;
  StopConditions& stop_;
  Attempts& attempts_;
  Race race_;
  std::map<DialId, Opening> openings_;
  std::unique_ptr<Session> ready_;
  bool recorded_ = false;  ///< the history has something to write
};

}  // namespace relaypipe
