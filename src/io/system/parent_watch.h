#pragma once

#include <sys/types.h>

#include "base/event_loop.h"
#include "deliver/parent.h"

namespace relaypipe {

/// pipe(8) as seen from below. Its death sends us no signal and looks like the end of the message on stdin; the signs
/// are that fd 1, the pipe it would read our result from, has no reader any more (POLLERR), and that our parent is
/// another process. A signal that asks us to end, or would kill us, is read from a descriptor instead of interrupting
/// whatever runs.
class ParentWatch final : public Parent, public Pollable {
 public:
  /// Blocks the signals and remembers the parent: to be made first in the process.
  ParentWatch();
  ~ParentWatch() override;
  ParentWatch(const ParentWatch&) = delete;
  ParentWatch& operator=(const ParentWatch&) = delete;

  [[nodiscard]] State state(Look look) override;
  void accepted(std::span<const std::size_t>) override { accepted_ = true; }
  [[nodiscard]] bool has_accepted() const { return accepted_; }
  Instant interests(std::vector<pollfd>& fds, Instant now) override;
  void serve(std::span<const pollfd> fds, Instant now) override;

 private:
  void read(std::span<const pollfd> fds);

  pid_t parent_;
  int signals_ = -1;
  State state_ = State::Present;
  bool accepted_ = false;
};

}  // namespace relaypipe
