#include "deliver/step_clock.h"

#include <algorithm>
#include <utility>

namespace relaypipe {
namespace {

constexpr Duration kLastWait = std::chrono::seconds(10);
constexpr Duration kFirstLook = std::chrono::milliseconds(1);
constexpr Duration kLongestLook = std::chrono::seconds(1);

}  // namespace

void StepClock::restart(Stage stage, Instant now) {
  const RelaySettings& settings = *context_.relay.settings;
  Duration limit = limit_of_(stage, settings.limits);
  if (context_.others_left && stage < Stage::EndOfData) limit = std::min(limit, settings.stall_limit);
  end_ = context_.deadline.step(now, limit);
}

void StepClock::shorten(Instant now) {
  if (std::exchange(shortened_, true)) return;
  end_ = std::min(end_, now + kLastWait);
}

Instant StepClock::wake(Instant now, bool draining) {
  look_ = !draining ? Duration::zero() : look_ == Duration::zero() ? kFirstLook : std::min(2 * look_, kLongestLook);
  return draining ? std::min(end_, now + look_) : end_;
}

}  // namespace relaypipe
