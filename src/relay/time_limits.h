#pragma once

#include <chrono>

#include "base/deadline.h"

namespace relaypipe {

/// The longest time each stage may take, whatever the relay does meanwhile (a drip does not stretch it). The defaults
/// are smtp(8)'s.
struct TimeLimits {
  Duration connect = std::chrono::seconds(30);
  Duration greeting = std::chrono::seconds(300);
  Duration helo = std::chrono::seconds(300);
  Duration starttls = std::chrono::seconds(300);  ///< STARTTLS and the handshake
  Duration auth = std::chrono::seconds(300);
  Duration mail = std::chrono::seconds(300);
  Duration rcpt = std::chrono::seconds(300);
  Duration data_init = std::chrono::seconds(120);
  Duration data_xfer = std::chrono::seconds(180);  ///< without progress, while the content is sent
  Duration data_done =
      std::chrono::seconds(600);  ///< from the dot to its reply; too short makes duplicates (RFC 5321 4.5.3.2.6)
};

}  // namespace relaypipe
