#pragma once

#include <cstdint>
#include <vector>

#include "base/wall_time.h"

namespace relaypipe {

/// How much was used lately: this minute, and the one before.
struct RecentUse {
  std::int64_t minute = 0;  ///< since 1970
  std::uint64_t now = 0;
  std::uint64_t before = 0;
};

/// What this host may use of one quota of a fleet before it has to ask the store again. Amounts are sums over the
/// slice's whole life, so that a question that is asked twice, or an answer that is lost, counts nothing twice.
struct Slice {
  std::uint64_t rule = 0;       ///< which limit: rule_key()
  std::int64_t index = 0;       ///< of a calendar window: which one, by the store's clock
  std::uint64_t life = 0;       ///< random: tells it from one that this host has forgotten
  std::uint64_t epoch = 0;      ///< of what the store knows of the window; another one: that was lost. 0: no answer yet
  std::uint64_t spent = 0;      ///< accepted on this host
  std::uint64_t granted = 0;    ///< of which so much may be
  std::uint64_t urgent = 0;     ///< of what is left of that, only for the senders of `reserve`
  std::uint64_t told = 0;       ///< of `spent`, what the store knew at the last answer
  std::uint64_t fleet = 0;      ///< used by or granted to all hosts, at the last answer
  std::uint64_t size = 0;       ///< what was left right after it
  WallTime until = kNever;      ///< it may be used until then
  WallTime renew = kNever;      ///< the delivery that is done after this asks for more time
  WallTime answered = kNever;   ///< when the store answered last
  WallTime dry_until = kNever;  ///< there was nothing left: not asked again before
  bool dry_for_urgent = false;  ///< nor for the senders of `reserve`
  bool learning = false;        ///< the store has lost what it knew, and grants nothing yet
  RecentUse recent;

  [[nodiscard]] bool known() const { return epoch != 0; }
};

/// What this host shares of one relay with the others of its fleet.
struct FleetShare {
  std::uint64_t hosts = 0;         ///< that use the relay, this one included; 0: the store never answered
  Span ahead{};                    ///< the store's clock, less ours
  WallTime answered = kNever;      ///< when the store answered last
  WallTime failed = kNever;        ///< and when it did not
  WallTime started = kNever;       ///< when a process was last started that asks
  WallTime asking_until = kNever;  ///< a process is asking, until then at the latest
  std::uint64_t sequence = 0;      ///< of the last question
  // What hosts tell one another (state/fleet_facts.h), each by the store's time of it: the last that was taken over
  // here.
  std::uint64_t suspension = 0;
  std::uint64_t outage = 0;
  std::uint64_t hint = 0;
  bool outage_taken = false;  ///< the relay is down here because it is at another host
  WallTime told = kNever;     ///< the failure here that the others were last told of
  enum class Telling { Nothing, Outage, Hint } telling = Telling::Nothing;  ///< and not yet that it is over
  std::vector<Slice> slices;

  /// Whether a process that was started has not asked yet; one that never does is given up after kAskAgain.
  [[nodiscard]] bool is_starting(WallTime now) const {
    return started > answered && started > failed && now < started + std::chrono::seconds(1);
  }
  /// Whether the last question had no answer.
  [[nodiscard]] bool away() const { return failed > answered; }
  [[nodiscard]] bool any() const { return sequence != 0; }
};

/// A clock of the store that is further from ours is taken for one that is so far; a record holds no more.
inline constexpr Span kMostAhead = std::chrono::days(365 * 100);
/// While the store does not answer it is asked once in this time.
inline constexpr Span kAskAgain = std::chrono::seconds(1);
/// What other hosts have made known is looked for at least so often while there are deliveries.
inline constexpr Span kLookForFacts = std::chrono::seconds(30);
/// A slice that nobody extended counts for this much longer as one that may still be used: an attempt that began with
/// it may last, and while the store is away it is used up.
inline constexpr Span kSliceGrace = std::chrono::hours(1);

}  // namespace relaypipe
