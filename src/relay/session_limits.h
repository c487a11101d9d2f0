#pragma once

#include <chrono>
#include <cstdint>

#include "base/deadline.h"

namespace relaypipe {

/// How long a session with a relay is kept for further messages, by the processes that take several (relaypipe lmtp).
struct SessionLimits {
  std::uint64_t messages = 100;                 ///< transactions; 1: a session for each message
  Duration idle = std::chrono::seconds(5);      ///< since its last transaction
  Duration age = std::chrono::seconds(5 * 60);  ///< since it was ready
};

}  // namespace relaypipe
