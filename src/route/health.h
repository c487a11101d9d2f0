#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/owner.h"
#include "base/wall_time.h"
#include "config/reply_rule.h"
#include "config/settings.h"

namespace relaypipe {

/// A moving average of milliseconds, each sample an eighth of it (as TCP's smoothed round-trip time, RFC 6298).
struct Average {
  double value = 0;
  std::uint32_t samples = 0;

  void add(Duration sample);
};

/// What is remembered of a relay, or of one of its endpoints, or of a relay with one sender.
struct Health {
  WallTime stamp = kNever;  ///< last change

  // Of the failure it rests from; `since` is kNever while it is well.
  Cause cause = Cause::Unknown;
  WallTime since = kNever;        ///< when it failed first
  WallTime failed = kNever;       ///< when it failed last
  WallTime until = kNever;        ///< rests until then
  std::uint32_t failures = 0;     ///< in a row; those of attempts that ran side by side are one
  std::uint64_t credentials = 0;  ///< which credentials were refused: a stamp of their source, never they themselves
  std::string words;              ///< the failure, for a person; printable

  // The one process that looks whether it is well, again or for the first time.
  Owner prober;
  WallTime probe_since = kNever;
  WallTime probe_until = kNever;  ///< kNever: there is none

  std::uint32_t suspicions = 0;  ///< attempts in a row that were outrun before a stranger's patience was over

  WallTime suspended_until = kNever;  ///< by the administrator

  Average ready;                ///< from dialling to a ready session
  Average accepted;             ///< from MAIL to the reply to the dot
  WallTime measured = kNever;   ///< when the averages were last added to
  std::uint64_t successes = 0;  ///< messages accepted, ever
  std::int64_t day = 0;         ///< the last day (UTC, days since 1970) on which one was
  std::uint64_t today = 0;      ///< and how many then
};

/// Whether an attempt may be made.
struct Standing {
  enum class Kind {
    Well,
    Due,        ///< it has rested: the next process probes
    Resting,    ///< until `until`
    Probing,    ///< another process looks right now
    Suspended,  ///< by the administrator, until `until`
  } kind = Kind::Well;
  WallTime until = kNever;
  /// Resting, but it may be probed already when no other relay is left: connect trouble that had the shortest rest.
  bool early = false;
  /// Well as far as is known, which is nothing: no session with it was ever ready.
  bool stranger = false;
  WallTime watched_since = kNever;  ///< a stranger that another process is looking at, since when
};

/// What one attempt showed, as far as health is concerned.
struct HealthEvent {
  enum class Kind {
    Ready,     ///< a session became ready: the network, TLS and the account's credentials are well
    Accepted,  ///< a message was taken: everything is
    Failed,
    Outrun,  ///< it was not ready when its patience was over, and another relay was
    Ended,   ///< nothing was learned
  } kind = Kind::Ended;
  WallTime began = kNever;    ///< when the attempt began
  bool full_patience = true;  ///< of Outrun: it had what a relay gets of which nothing is known
  Cause cause = Cause::Unknown;
  Until until;
  std::string words;
  std::uint64_t credentials = 0;
  std::optional<Duration> ready;     ///< how long it took to a ready session
  std::optional<Duration> accepted;  ///< and from there to the acceptance
};

/// Brings what is remembered to `now` and returns the time to go on with: a clock set back by more than kClockSlack
/// takes the remembered times back with it, so that nothing rests longer for it.
WallTime settle(Health& health, WallTime now);

/// `health` is settled. `credentials` stamps their present source.
Standing standing(const Health& health, WallTime now, std::uint64_t credentials, const CoolDown& bounds,
                  const Alive& alive);

/// Makes `owner` the one that probes, until `until` at the longest.
void take_probe(Health& health, const Owner& owner, WallTime until, WallTime now);

/// Learns from an attempt of `owner`, and ends its probe. True when it went down or came back.
bool learn(Health& health, const HealthEvent& event, const Owner& owner, const CoolDown& bounds, WallTime now);

/// So many attempts in a row have to be outrun before a relay counts as failed for it, when none of them gave it the
/// whole patience: one lost packet is no failure.
inline constexpr std::uint32_t kSuspicions = 3;

/// Whether the failure speaks of the relay as a whole, not of the endpoint it was met at.
bool of_whole_relay(Cause cause);

/// Whether this relay is so much slower than the best of its tier's others that it gives up its place to them: by
/// `factor`, and by more than half a second. Old averages do not count, so that it gets a new chance.
bool much_slower(const Health& health, std::span<const Health* const> others, double factor, WallTime now);

/// From dialling to acceptance, on average; nothing while too few are known or they are old.
std::optional<Span> average_time(const Health& health, WallTime now);

}  // namespace relaypipe
