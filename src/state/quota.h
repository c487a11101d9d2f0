#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/owner.h"
#include "base/wall_time.h"
#include "relay/limits.h"
#include "state/calendar.h"
#include "state/fleet_share.h"

namespace relaypipe {

/// What was counted at one time.
struct Count {
  WallTime at;
  std::uint64_t amount = 0;
};

/// How much of one limit is used. A rolling window keeps the times it counted, exactly while there are at most kCounts
/// of them; beyond that, those within one 64th of the window become one at the time of the last. So it is never kinder
/// than the limit, later by at most a 64th, and small whatever the limit.
struct Used {
  std::uint64_t rule = 0;       ///< which limit: rule_key(); a limit that was rewritten starts at nothing
  std::vector<Count> counts;    ///< of a rolling window, oldest first
  std::int64_t index = 0;       ///< of a calendar window: which one
  std::uint64_t in_period = 0;  ///< and what was counted in it
};

inline constexpr std::size_t kCounts = 96;

/// What a running attempt holds: it counts as used until it is given back or accepted, or its process ends. A process
/// that keeps its session for the next message keeps its place among the connections with it.
struct Hold {
  Owner owner;
  WallTime at;     ///< when it was taken
  WallTime until;  ///< no attempt lasts longer, and no session is kept for longer
  std::uint64_t recipients = 1;
  bool idle = false;    ///< of a session that is kept, and in which nothing runs
  bool wanted = false;  ///< another delivery needs the place of the idle session
};

/// What is known of a relay's limits.
struct Allowance {
  WallTime stamp = kNever;  ///< last change
  std::vector<Used> used;   ///< of the rate and the quotas, in any order
  std::vector<Hold> holds;
  FleetShare fleet;  ///< of the quotas; nothing where they are this host's alone
};

/// What an attempt asks for: one message to so many recipients.
struct Claim {
  Owner owner;
  WallTime until;  ///< the end of the delivery
  std::uint64_t recipients = 1;
  bool urgent = false;  ///< may use what `reserve` keeps
  bool asked = false;   ///< the fleet's store was asked for it already
};

/// Why a claim cannot be met, and when it can.
struct Exhausted {
  const LimitRule* rule = nullptr;       ///< null: connections
  std::optional<WallTime> free_at = {};  ///< an estimate where it hangs on attempts that run; nothing: it never will be
  bool reserve = false;                  ///< there is room, but `reserve` keeps it for other senders
  bool fleet = false;                    ///< this host has nothing left of what the fleet granted it
  bool ask = false;                      ///< and the fleet's store may have more
};

/// What one message to so many recipients counts for.
std::uint64_t units(const LimitRule& rule, std::uint64_t recipients);

/// Tells limits apart, and one from what it was before it was rewritten.
std::uint64_t rule_key(const LimitRule& rule);

/// Brings what is remembered to `now`, and returns the time to go on with: what left its window is forgotten; a clock
/// set back by more than kClockSlack takes the remembered times back with it, so that no window becomes longer; by less
/// it stands still until it has caught up.
WallTime settle(Allowance& allowance, const Limits& limits, WallTime now, const ZoneOffset& zones);

/// Frees what dead processes hold, and what is past its time.
void drop_dead(Allowance& allowance, WallTime now, const Alive& alive);

/// The limit that is in the way of a claim for the longest time, or nothing. `allowance` is settled.
std::optional<Exhausted> exhausted(const Allowance& allowance, const Limits& limits, const Claim& claim, WallTime now,
                                   const ZoneOffset& zones);

/// Takes what a claim asks for; the place of a session that its owner keeps is part of it. Limits hold exactly when
/// every claim goes through exhausted() first, in one transaction with this.
void take(Allowance& allowance, const Limits& limits, const Claim& claim, WallTime now);

/// Until when the session of an attempt that ended is kept at the longest; nothing: it is closed.
using KeptUntil = std::optional<WallTime>;

/// The attempt ended without an acceptance: what it held is free, but for the place of a session that is kept, and it
/// does not count for the rate.
void give_back(Allowance& allowance, const Limits& limits, const Owner& owner, WallTime now, KeptUntil kept = {});

/// The relay has accepted: it is counted, now.
void count(Allowance& allowance, const Limits& limits, const Owner& owner, std::uint64_t recipients, WallTime now,
           const ZoneOffset& zones, KeptUntil kept = {});

/// What running attempts may still add to a quota; nothing to a rate, which has counted them when they began.
std::uint64_t held(const Allowance& allowance, const LimitRule& rule);

/// Whether more of the fleet's quotas is to be asked for, now that a delivery is done.
bool wants_refill(const Allowance& allowance, const Limits& limits, WallTime now, const ZoneOffset& zones);

/// How much of one limit is used, running attempts included. `allowance` is settled.
std::uint64_t amount_used(const Allowance& allowance, const LimitRule& rule);

}  // namespace relaypipe
