#pragma once

#include "base/deadline.h"
#include "deliver/attempt.h"
#include "smtp/stage.h"

namespace relaypipe {

/// When a transaction has to get on: each stage has its time, counted from the last progress and within the deadline of
/// the delivery.
class StepClock {
 public:
  /// What a stage may take.
  using LimitOf = Duration (*)(Stage stage, const TimeLimits& limits);

  /// The context outlives it.
  StepClock(const AttemptContext& context, LimitOf limit_of) : context_(context), limit_of_(limit_of) {}

  /// Something got on, or nothing has begun yet: the stage has its whole time. While another relay could take the
  /// message it is no more than `stall_limit`, up to the end of the data.
  void restart(Stage stage, Instant now);
  /// The delivery has to stop. The message may have been accepted, and knowing it spares a duplicate; but whoever asked
  /// us to stop will not wait long (service managers kill after some ten seconds).
  void shorten(Instant now);
  [[nodiscard]] bool over(Instant now) const { return now >= end_; }
  /// Until when to wait. `draining`: for octets that the system holds and sends by its own timers, which wakes nobody:
  /// they are looked at again and again, each time after twice the time.
  Instant wake(Instant now, bool draining);

 private:
  const AttemptContext& context_;
  LimitOf limit_of_;
  Instant end_{};
  Duration look_{};  ///< the last pause while draining; zero: there was none
  bool shortened_ = false;
};

}  // namespace relaypipe
