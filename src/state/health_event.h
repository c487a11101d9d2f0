#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/owner.h"
#include "base/wall_time.h"
#include "relay/relay_settings.h"
#include "relay/reply_rule.h"
#include "state/health.h"

namespace relaypipe {

/// So many different messages in a row, of two senders or more, have to meet trouble in their transactions before it is
/// the relay's. Two senders, because one that sends many alike is no better a witness than one message. Of domains that
/// are refused as many.
inline constexpr std::size_t kDoubts = 3;

/// So many attempts in a row have to be superseded before a relay counts as failed for it, when none of them gave it
/// the whole patience; and from the beginning of the first to the end of the last they have to last as long as that.
/// One lost packet is no failure, nor is a pause that many deliveries meet at the same time.
inline constexpr std::uint32_t kSuspicions = 3;

/// The transaction that an attempt failed in.
struct FailedTransaction {
  std::uint64_t message = 0;            ///< whose it was, or which domain was refused: a hash
  std::optional<std::uint64_t> sender;  ///< whose message that is, a hash; nothing where that does not matter
  bool doubtful = false;                ///< the trouble may lie in the message, or in the domain
  bool of_domain = false;               ///< it is a recipient's domain, not a message, that `message` tells from others
  bool apart = false;  ///< it is not one with what others met at the same time: its own time limit ended it
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
  WallTime began{};           ///< when the attempt began
  bool full_patience = true;  ///< of Superseded: it had what a relay gets of which nothing is known
  Span patience{};            ///< of Superseded and Ready: how long that is
  Cause cause = Cause::Unknown;
  Until until = {};
  std::string words = {};
  Stamps stamps = {};
  std::optional<FailedTransaction> transaction = {};  ///< of Failed, where the session was ready
  bool pipelined = false;                             ///< commands that were sent together were lost
  std::optional<Duration> ready = {};                 ///< how long it took to a ready session
  std::optional<Duration> accepted = {};              ///< and from there to the acceptance
  std::optional<WallTime> certificate_end = {};       ///< of Ready: of the relay's certificate, where it showed one
  std::optional<bool> offers_dsn = {};                ///< of Ready
};

/// Learns from an attempt of `owner`, and ends its look. True when it went down or came back.
bool apply(Health& health, const HealthEvent& event, const Owner& owner, const CoolDown& bounds, WallTime now);

/// Whether trouble with this cause, met in a transaction, may lie in the message, its sender or its recipient, whatever
/// the reply said: a connection that was cut at one message, a command that was not understood, relaying or a login
/// that was wanted for one recipient. A rate, a quota and an account are the relay's by the words that tell them.
bool may_lie_in_message(Cause cause);

/// Whether the failure speaks of the relay as a whole, not of the endpoint it was met at.
bool of_whole_relay(Cause cause);

}  // namespace relaypipe
