#pragma once

#include <vector>

#include "base/clock.h"
#include "base/event_loop.h"

namespace relaypipe {

/// poll(2) over all parts of the world.
class PollEventLoop final : public EventLoop {
 public:
  PollEventLoop(const Clock& clock, std::vector<Pollable*> parts) : clock_(clock), parts_(std::move(parts)) {}

  void wait(Instant until) override;

 private:
  const Clock& clock_;
  std::vector<Pollable*> parts_;
  std::vector<pollfd> fds_;
};

}  // namespace relaypipe
