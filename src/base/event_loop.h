#pragma once

#include <poll.h>
#include <span>
#include <vector>

#include "base/deadline.h"

namespace relaypipe {

/// The one place where time passes.
class EventLoop {
 public:
  virtual ~EventLoop() = default;
  /// Returns when something may have happened in any part of the world of this delivery, or at `until`.
  virtual void wait(Instant until) = 0;
};

/// A part of the world that one poll(2) serves together with the others: while a session is being opened, stdin is
/// read, DNS answers and the writer's death is noticed. The single thread sleeps in one place only.
class Pollable {
 public:
  virtual ~Pollable() = default;
  /// Adds the descriptors to look at and returns when this part wants to be served at the latest (Instant::max():
  /// never).
  virtual Instant interests(std::vector<pollfd>& fds, Instant now) = 0;
  /// Does what can be done without blocking. `fds` are all descriptors of this round with what was found.
  virtual void serve(std::span<const pollfd> fds, Instant now) = 0;
};

/// What was found for one descriptor: the union of its entries.
inline short found(std::span<const pollfd> fds, int fd) {
  int events = 0;
  for (const pollfd& entry : fds) {
    if (entry.fd == fd) events |= entry.revents;
  }
  return static_cast<short>(events);
}

}  // namespace relaypipe
