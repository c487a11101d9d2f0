#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/owner.h"
#include "base/wall_time.h"
#include "relay/reply_rule.h"
#include "relay/settings.h"

namespace relaypipe {

/// A moving average of milliseconds, each sample an eighth of it (as TCP's smoothed round-trip time, RFC 6298).
struct Average {
  double value = 0;
  std::uint32_t samples = 0;

  void add(Duration sample);
};

/// Trouble in the transaction of one message, which may lie in that message alone; or a recipient's domain that the
/// relay does not relay to, which may lie in that domain.
struct Doubt {
  bool of_domain = false;
  std::uint64_t message = 0;  ///< which message or domain: a hash
  std::uint64_t sender = 0;   ///< whose message: a hash
  WallTime at = kNever;
};

/// So many different messages in a row, of two senders or more, have to meet trouble in their transactions before it is
/// the relay's. Two senders, because one that sends many alike is no better a witness than one message. Of domains that
/// are refused as many.
inline constexpr std::size_t kDoubts = 3;

/// A process that tries whether a relay is well, again or for the first time.
struct Look {
  Owner owner;
  WallTime since = kNever;
  WallTime until = kNever;  ///< it hangs unless it has made progress by then
};

/// So many processes may try a relay of which nothing is known, and so many may hang at one that is not well, before
/// the next ones have to wait for what they find.
inline constexpr std::size_t kLooks = 3;

/// What present settings a relay was tried with: stamps of their sources, never they themselves.
struct Stamps {
  std::uint64_t credentials = 0;
  std::uint64_t settings = 0;
};

/// How long a relay that lost commands which were sent together gets them one at a time.
inline constexpr Span kOneByOne = std::chrono::hours(24);

/// What is remembered of a relay, or of one of its endpoints, or of a relay with one sender.
struct Health {
  WallTime stamp = kNever;  ///< last change

  // Of the failure it cools down from; `since` is kNever while it is well.
  Cause cause = Cause::Unknown;
  WallTime since = kNever;      ///< when it failed first
  WallTime failed = kNever;     ///< when it failed last
  WallTime until = kNever;      ///< cools down until then
  std::uint32_t failures = 0;   ///< in a row; those of attempts that ran side by side are one
  Stamps stamps;                ///< what it failed with; the credentials where they were refused
  std::string words;            ///< the failure, for a person; printable
  bool in_transaction = false;  ///< it failed after its session was ready, so a ready session does not end it
  std::uint64_t message = 0;    ///< with whose transaction it failed, a hash; 0: with none

  std::vector<Look> looks;  ///< oldest first

  // Attempts in a row that were superseded before an unknown relay's patience was over; those that overlap are one.
  std::uint32_t suspicions = 0;
  WallTime suspected_since = kNever;  ///< when the first of them began
  WallTime suspected = kNever;        ///< when the last of them was known

  WallTime proved =
      kNever;  ///< when the attempt began that last became ready; of an earlier one's silence nothing follows

  std::vector<Doubt> doubts;  ///< the newest of different messages, newest last, since the last acceptance

  WallTime suspended_until = kNever;  ///< by the administrator
  WallTime reset = kNever;            ///< by the administrator: what senders and domains met before is forgotten too

  WallTime one_by_one_until = kNever;  ///< PIPELINING is not used until then: commands sent together were lost
  WallTime certificate_end = kNever;   ///< of the certificate it showed last

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
  /// Nothing is known of it, no session with it was ever ready: it is Well, Probing or Hanging.
  bool unknown = false;
};

/// What one attempt showed, as far as health is concerned.
struct HealthEvent {
  enum class Kind {
    Ready,     ///< a session became ready: the network, TLS and the account's credentials are well
    Accepted,  ///< a message was taken: everything is
    Failed,
    Superseded,  ///< it was not ready when its patience was over, and another relay was
    Ended,       ///< it showed nothing
  } kind = Kind::Ended;
  WallTime began = kNever;    ///< when the attempt began
  bool full_patience = true;  ///< of Superseded: it had what a relay gets of which nothing is known
  Span patience{};            ///< of Superseded and Ready: how long that is
  Cause cause = Cause::Unknown;
  Until until;
  std::string words;
  Stamps stamps;
  // Of Failed, in a transaction:
  std::uint64_t message = 0;      ///< whose: a hash; 0: it was in none
  std::uint64_t sender = 0;       ///< and whose message that is; 0: that does not matter
  bool doubtful = false;          ///< it may lie in the message, or in the domain
  bool of_domain = false;         ///< it is a recipient's domain, not a message, that `message` tells from others
  bool apart = false;             ///< it is not one with what others met at the same time: its own time limit ended it
  bool pipelined = false;         ///< commands that were sent together were lost
  std::optional<Duration> ready;  ///< how long it took to a ready session
  std::optional<Duration> accepted;   ///< and from there to the acceptance
  WallTime certificate_end = kNever;  ///< of Ready: of the relay's certificate, where it showed one
};

/// Brings what is remembered to `now` and returns the time to go on with: a clock set back by more than kClockSlack
/// takes the remembered times back with it, so that nothing cools down longer for it.
WallTime settle(Health& health, WallTime now);

/// `health` is settled. `stamps` are those of the present.
Standing standing(const Health& health, WallTime now, const Stamps& stamps, const CoolDown& bounds, const Alive& alive);

/// Makes `owner` one that looks. It hangs from `until` on, unless keep_looking() says that it has made progress.
void take_look(Health& health, const Owner& owner, WallTime until, WallTime now, const Alive& alive);
void keep_looking(Health& health, const Owner& owner, WallTime until);
void end_look(Health& health, const Owner& owner);

/// Learns from an attempt of `owner`, and ends its look. True when it went down or came back.
bool apply(Health& health, const HealthEvent& event, const Owner& owner, const CoolDown& bounds, WallTime now);

/// So many attempts in a row have to be superseded before a relay counts as failed for it, when none of them gave it
/// the whole patience; and from the beginning of the first to the end of the last they have to last as long as that.
/// One lost packet is no failure, nor is a pause that many deliveries meet at the same time.
inline constexpr std::uint32_t kSuspicions = 3;

/// Whether trouble with this cause, met in a transaction, may lie in the message, its sender or its recipient, whatever
/// the reply said: a connection that was cut at one message, a command that was not understood, relaying or a login
/// that was wanted for one recipient. A rate, a quota and an account are the relay's by the words that tell them.
bool may_lie_in_message(Cause cause);

/// Whether the failure speaks of the relay as a whole, not of the endpoint it was met at.
bool of_whole_relay(Cause cause);

/// Whether this relay is so much slower than the best of its tier's others that it gives up its place to them: by
/// `factor`, and by more than half a second. Old averages do not count, so that it gets a new chance.
bool much_slower(const Health& health, std::span<const Health* const> others, double factor, WallTime now);

/// From dialling to acceptance, on average; nothing while too few are known or they are old.
std::optional<Span> average_time(const Health& health, WallTime now);

}  // namespace relaypipe
