#pragma once

#include <functional>
#include <span>
#include <vector>

#include "base/event_loop.h"
#include "state/update_backlog.h"

namespace relaypipe {

/// Writes what waits in a backlog when its time has come: between messages, and while a delivery waits.
class BacklogWriter final : public Pollable {
 public:
  /// `services`: what is written with, asked for each time.
  explicit BacklogWriter(std::function<HistoryServices()> services) : services_(std::move(services)) {}

  [[nodiscard]] UpdateBacklog& backlog() { return backlog_; }
  /// Writes it now.
  void write() { write_backlog(services_(), backlog_); }

  Instant interests(std::vector<pollfd>&, Instant) override { return backlog_.due().value_or(Instant::max()); }
  void serve(std::span<const pollfd>, Instant now) override {
    if (backlog_.due() && *backlog_.due() <= now) write();
  }

 private:
  std::function<HistoryServices()> services_;
  UpdateBacklog backlog_;
};

}  // namespace relaypipe
