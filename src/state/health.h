#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/owner.h"
#include "base/wall_time.h"
#include "relay/relay_settings.h"
#include "relay/reply_rule.h"
#include "state/looks.h"
#include "state/speed.h"

namespace relaypipe {

/// Trouble in the transaction of one message, which may lie in that message alone; or a recipient's domain that the
/// relay does not relay to, which may lie in that domain.
struct Doubt {
  bool of_domain = false;
  std::uint64_t message = 0;            ///< which message or domain: a hash
  std::optional<std::uint64_t> sender;  ///< whose message, a hash; nothing where that does not matter
  WallTime at;
};

/// Attempts in a row that were superseded although the relay had not had the whole patience; those that overlap are
/// one.
struct Suspicion {
  std::uint32_t attempts = 0;
  WallTime since;  ///< when the first of them began
  WallTime last;   ///< when the last of them was known
};

/// What present settings a relay was tried with: stamps of their sources, never they themselves.
struct Stamps {
  std::uint64_t credentials = 0;
  std::uint64_t settings = 0;
};

/// How long a relay that lost commands which were sent together gets them one at a time.
inline constexpr Span kOneByOne = std::chrono::hours(24);

/// The failures in a row that something cools down from.
struct Outage {
  Cause cause = Cause::Unknown;               ///< of the last of them, and so on
  WallTime since;                             ///< when it failed first
  WallTime failed;                            ///< when it failed last
  WallTime until;                             ///< it cools down until then
  std::uint32_t failures = 0;                 ///< those of attempts that ran side by side are one
  Stamps stamps = {};                         ///< what it failed with; the credentials where they were refused
  std::string words = {};                     ///< for a person; printable
  std::optional<std::uint64_t> message = {};  ///< in whose transaction, a hash: a ready session does not end it
};

/// What is remembered of a relay, or of one of its endpoints, or of a relay with one sender.
struct Health {
  WallTime stamp = kNever;  ///< last change

  std::optional<Outage> outage;  ///< nothing while it is well
  [[nodiscard]] bool down() const { return outage.has_value(); }
  /// Why it is down; Unknown while it is not.
  [[nodiscard]] Cause cause() const { return outage ? outage->cause : Cause::Unknown; }

  std::vector<Look> looks;  ///< oldest first
  std::optional<Suspicion> suspicion;
  std::optional<WallTime> proved;  ///< when the attempt began that last became ready; an earlier one's silence is over
  std::vector<Doubt> doubts;       ///< the newest of different messages, newest last, since the last acceptance

  std::optional<WallTime> suspended_until;  ///< by the administrator; kFarFuture: until it is resumed
  std::optional<WallTime> reset;  ///< by the administrator: what senders and domains met before is forgotten too

  std::optional<WallTime> one_by_one_until;  ///< PIPELINING is not used until then: commands sent together were lost
  std::optional<WallTime> certificate_end;   ///< of the certificate it showed last
  bool offers_dsn = false;                   ///< in the last session with it (RFC 3461)

  Average ready;                     ///< from dialling to a ready session
  Average accepted;                  ///< from MAIL to the reply to the dot
  std::optional<WallTime> measured;  ///< when the averages were last added to
  std::uint64_t successes = 0;       ///< messages accepted, ever
  std::int64_t day = 0;              ///< the last day (UTC, days since 1970) on which one was
  std::uint64_t today = 0;           ///< and how many then
};

/// Whether an attempt may be made.
struct Standing {
  enum class Kind {
    Up,
    Due,          ///< it has rested: the next process looks
    CoolingDown,  ///< until `until`
    Probing,      ///< another process looks right now, and makes progress
    Hanging,      ///< as many as may have looked, and hang; the next one looks at `until`
    Suspended,    ///< by the administrator, until `until`
  } kind = Kind::Up;
  WallTime until = kNever;
  /// CoolingDown, but it may be probed already when no other relay is left: connect trouble that had the shortest rest.
  bool early = false;
  /// Nothing is known of it, no session with it was ever ready: it is Up, Probing or Hanging.
  bool unknown = false;
};

/// Brings what is remembered to `now` and returns the time to go on with: a clock set back by more than kClockSlack
/// takes the remembered times back with it, so that nothing cools down longer for it.
WallTime settle(Health& health, WallTime now);

/// `health` is settled. `stamps` are those of the present.
Standing standing(const Health& health, WallTime now, const Stamps& stamps, const CoolDown& bounds, const Alive& alive);

/// Whether this is trouble that may be over at any time, and that asking about costs the relay nothing.
bool is_reach_trouble(Cause cause);

/// `first`, and twice as much for each further time, up to `most`.
Span doubled(Span first, std::uint32_t times, Span most);

}  // namespace relaypipe
