#pragma once

#include <chrono>

#include "base/deadline.h"

namespace relaypipe {

/// Longest delivery of a message, whatever the configured deadline. lmtp(8) waits lmtp_data_done_timeout (600s) for the
/// first reply after the dot; then it would send again what may be delivered.
inline constexpr Duration kLongestLmtpDelivery = std::chrono::minutes(9);

/// Longest use of a process, after which it closes the connection when it may: a message that comes before has its
/// whole time within the time limit of spawn(8), 1000s. lmtp(8) uses a connection for 300s
/// (lmtp_connection_reuse_time_limit).
inline constexpr Duration kLongestLmtpUse = std::chrono::seconds(400);

}  // namespace relaypipe
