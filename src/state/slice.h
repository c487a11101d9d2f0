#pragma once

#include <cstdint>
#include <optional>

#include "base/wall_time.h"
#include "relay/limits.h"
#include "state/calendar.h"
#include "state/fleet_share.h"

namespace relaypipe {

/// How long a slice may be used; of a rate, how long a host counts as one that sends.
Span slice_life(const LimitRule& rule);

/// The slice of a quota for its present window; nothing where there is none.
const Slice* find_slice(const FleetShare& share, const LimitRule& rule, WallTime now, const ZoneOffset& zones);

/// What a claim is held against.
struct SliceClaim {
  std::uint64_t wanted = 0;
  std::uint64_t held = 0;     ///< by attempts that run
  std::uint64_t counted = 0;  ///< accepted on this host in the window, by its own count
  std::uint64_t most = 0;     ///< of the quota, that this claim may use
  bool urgent = false;
  bool asked = false;  ///< this delivery has asked the store already
};

/// Whether a claim may be met.
struct SliceStanding {
  bool enough = false;
  bool ask = false;                      ///< not `enough`; but the store may have more
  std::optional<WallTime> free_at = {};  ///< of neither: when there may be more
};
SliceStanding slice_standing(const FleetShare& share, const LimitRule& rule, WhenAway when_away,
                             const SliceClaim& claim, WallTime now, const ZoneOffset& zones);

/// Counts what a relay accepted against the slice.
void spend(FleetShare& share, const LimitRule& rule, std::uint64_t amount, WallTime now, const ZoneOffset& zones);

/// Whether the store is to be asked for more, now that a delivery is done: the slice is in its last tenth, half of its
/// time is over, or there is none.
bool wants_more(const FleetShare& share, const LimitRule& rule, std::uint64_t held, WallTime now,
                const ZoneOffset& zones);

/// Whether it is to be looked for what other hosts have made known.
bool wants_facts(const FleetShare& share, WallTime now);

/// What this host used in the last minute, estimated.
std::uint64_t used_lately(const RecentUse& recent, WallTime now);

/// A rate and its window as they hold for this host: the fleet's, divided by the hosts that use the relay. One that
/// would be less than one per window is one in a longer window.
struct RateShare {
  std::uint64_t count = 0;
  Span window{};
};
RateShare rate_share(const LimitRule& rule, const FleetShare& share);

/// Takes the times back with a clock that was set back.
void move_back(FleetShare& share, Span back);

/// Forgets slices of limits that are gone, and of windows that are over.
void drop_old_slices(FleetShare& share, const Limits& limits, WallTime now, const ZoneOffset& zones);

}  // namespace relaypipe
