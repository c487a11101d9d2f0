#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "relay/reply_rule.h"

namespace relaypipe {

/// How often things went wrong since the state directory was made: counters for monitoring, which only grow. What was
/// accepted is counted with each relay's health (state/health.h).
struct Counters {
  std::map<std::pair<std::string, Cause>, std::uint64_t> failed;  ///< attempts, by relay and cause
  std::map<Cause, std::uint64_t> deferred;                        ///< deliveries, by the cause that decided
  std::uint64_t bounced = 0;                                      ///< deliveries

  friend bool operator==(const Counters&, const Counters&) = default;
};

inline constexpr std::string_view kCountersKey = "counters";  ///< of their record
inline constexpr std::size_t kCounters = 500;  ///< attempts' counters that are kept; those of further relays are not

/// Adds `more` to `to`.
void add(Counters& to, const Counters& more);

std::string pack(const Counters& counters);
/// All zero where the octets are of another version or make no sense: unreadable counts as absent.
Counters unpack_counters(std::string_view octets);

}  // namespace relaypipe
