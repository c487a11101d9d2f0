#include "fake/timeline.h"

#include <algorithm>
#include <stdexcept>

namespace relaypipe::fake {
namespace {

constexpr std::size_t kIdleRounds = 100;

}  // namespace

void Timeline::wait(Instant until) {
  const Instant before = now_;
  const Instant next = events_.empty() ? Instant::max() : events_.begin()->first;
  if (next == Instant::max() && until == Instant::max()) throw std::logic_error("waits for nothing, for ever");
  now_ = std::max(now_, std::min(until, next));
  const bool something = next <= now_;
  happen();
  idle_rounds_ = something || now_ > before ? 0 : idle_rounds_ + 1;
  if (idle_rounds_ > kIdleRounds) throw std::logic_error("goes round and round while no time passes");
}

void Timeline::happen() {
  while (!events_.empty() && events_.begin()->first <= now_) {
    const auto event = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    event();
  }
}

}  // namespace relaypipe::fake
