#include "deliver/stop_conditions.h"

#include <utility>

#include "message/completeness.h"
#include "relay/units.h"

namespace relaypipe {

bool StopConditions::poll(Parent::Look look) {
  look_at_message();
  const Parent::State parent = parent_.state(look);
  if (parent == Parent::State::Gone) stop(Halt::ParentGone, "");
  if (parent == Parent::State::Terminating) stop(Halt::Terminated, "");
  if (deadline_.passed(clock_.now())) stop(Halt::DeadlinePassed, format_duration(settings_.deadline));
  return reason_.has_value();
}

void StopConditions::stop(Halt halt, std::string detail) {
  if (!reason_) reason_ = StopReason{halt, std::move(detail)};
}

void StopConditions::look_at_message() {
  const MessageSource::State state = message_.state();
  if (state == MessageSource::State::Reading) return;
  const bool first_look = !message_end_;
  if (first_look) message_end_ = clock_.now();
  // A complete one may still turn out to be unreadable.
  if (state == MessageSource::State::Failed) return stop(Halt::SpoolFailed, message_.failure());
  if (!first_look) return;
  const auto missing = truncation(message_.facts(), envelope_, settings_.size_tolerance);
  if (missing) stop(Halt::Truncated, *missing);
}

}  // namespace relaypipe
