#include "io/system/poll_event_loop.h"

#include <algorithm>

namespace relaypipe {

void PollEventLoop::wait(Instant until) {
  const Instant now = clock_.now();
  fds_.clear();
  for (Pollable* part : parts_)
    until = std::min(until, part->interests(fds_, now));
  // Rounded up, so that what is due at `until` is due when poll returns.
  const auto span = std::chrono::ceil<std::chrono::milliseconds>(
      std::clamp<Duration>(until - now, Duration::zero(), std::chrono::hours(1)));
  const int ready = poll(fds_.data(), fds_.size(), static_cast<int>(span.count()));
  if (ready < 0) {
    // Interrupted: nothing is known about any descriptor.
    for (pollfd& entry : fds_)
      entry.revents = 0;
  }
  const Instant after = clock_.now();
  for (Pollable* part : parts_)
    part->serve(fds_, after);
}

}  // namespace relaypipe
