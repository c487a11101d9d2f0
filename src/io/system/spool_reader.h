#pragma once

#include <array>
#include <memory>

#include "base/event_loop.h"
#include "io/system/spool.h"

namespace relaypipe {

/// Reads a content from a descriptor, up to its end, into a spool.
class SpoolReader final : public Pollable {
 public:
  /// The spool outlives it.
  SpoolReader(int fd, Spool& spool) : fd_(fd), spool_(spool) {}

  Instant interests(std::vector<pollfd>& fds, Instant now) override;
  void serve(std::span<const pollfd> fds, Instant now) override;

 private:
  static constexpr std::size_t kPart = 64UL * 1024;  ///< what a Linux pipe holds
  using Part = std::array<char, kPart>;

  void take_part();

  int fd_;
  Spool& spool_;
  std::unique_ptr<Part> part_;  ///< what was read last
};

}  // namespace relaypipe
