#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>

#include "base/clock.h"
#include "base/event_loop.h"

namespace relaypipe::fake {

/// A manual clock and what is to happen on it. Time passes in wait() only, from one event to the next, so that every
/// test knows the time of everything exactly and no test takes any.
class Timeline final : public Clock, public EventLoop {
 public:
  [[nodiscard]] Instant now() const override { return now_; }
  /// Advances to the next event, or to `until`, whichever comes first, and lets the events of that instant happen.
  /// Throws when the wait could never end, or when the program goes round without time passing: a test must not hang.
  void wait(Instant until) override;

  void at(Duration since_start, std::function<void()> event) {
    events_.emplace(start() + since_start, std::move(event));
  }
  void after(Duration delay, std::function<void()> event) { events_.emplace(now_ + delay, std::move(event)); }
  [[nodiscard]] static Instant start() { return Instant{} + std::chrono::hours(1); }
  [[nodiscard]] Duration elapsed() const { return now_ - start(); }

 private:
  void happen();

  Instant now_ = start();
  std::multimap<Instant, std::function<void()>> events_;
  std::size_t idle_rounds_ = 0;
};

}  // namespace relaypipe::fake
