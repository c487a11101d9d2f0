#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/wall_time.h"
#include "io/fleet/wire.h"

namespace relaypipe {

/// A host of the fleet, as the store knows it for one limit of a relay.
struct FleetHostUse {
  std::string id;          ///< printable
  std::string name;        ///< printable
  std::uint64_t left = 0;  ///< of what it was granted; it may have used some of it since it asked
  Span seen{};             ///< how long ago it asked
};

/// One limit of a relay over all hosts.
struct WindowUse {
  std::uint64_t used = 0;           ///< or granted
  std::vector<FleetHostUse> hosts;  ///< by name
};

/// The commands that ask for it.
std::vector<StoreCommand> window_commands(const WindowKeys& keys);
/// What the store answered, a reply for each command. The error is a phrase.
Result<WindowUse, std::string> parse_window(std::span<const StoreReply> replies);

}  // namespace relaypipe
