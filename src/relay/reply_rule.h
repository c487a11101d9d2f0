#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/position.h"
#include "smtp/stage.h"

namespace relaypipe {

/// What a failure speaks about.
enum class Scope {
  Relay,                 ///< the relay, or us as it sees us: our address, EHLO name, credentials, account
  RelaySender,           ///< the relay together with this sender: others may use it
  RelayRecipientDomain,  ///< the relay together with the recipient's domain, which it does not relay to for us
  Unknown,               ///< a refusal that names neither the relay, nor the message, nor the recipient
  Message,
  Recipient,
};

/// Why a relay did not take a message, as far as it can be known. It decides how long the relay cools down.
enum class Cause {
  Unknown,
  Network,           ///< not resolved, not connected, lost, silent, garbled
  Tls,               ///< no TLS, or a certificate that is not trusted
  Auth,              ///< the credentials, or the lack of them
  Quota,             ///< the account's allowance for a day, an hour or a month is used up
  Rate,              ///< too fast, or too many connections
  Account,           ///< the account or our address is suspended, paused or unknown
  Policy,            ///< the relay's policy about us, not about the message
  SenderNotAllowed,  ///< the account may not use this sender
  Size,              ///< the message is too big
  Content,           ///< the message itself is refused: spam, format
  Mailbox,           ///< the recipient: unknown, full, greylisted
  RelayingDenied,    ///< the relay does not relay to the recipient's domain for us
};
/// The last one: what is stored has to be one of them.
inline constexpr Cause kLastCause = Cause::RelayingDenied;

/// Until when a condition lasts, where a reply or a rule tells.
struct Until {
  enum class Kind {
    Unknown,      ///< the cause's own default
    After,        ///< `span` from now
    UtcMidnight,  ///< the end of the UTC day
    NextHour,     ///< the full hour
    Credentials,  ///< until somebody changes the credentials
  } kind = Kind::Unknown;
  Duration span{};
};

/// What a reply means: about whom it speaks, and why.
struct Meaning {
  Scope scope = Scope::Relay;
  Cause cause = Cause::Unknown;

  friend bool operator==(const Meaning&, const Meaning&) = default;
};

/// What replies mean at a relay: one element of `reply = [...]`. (verdict/reply_rules.h has the compiled-in ones.)
struct ReplyRule {
  std::vector<Stage> stages;  ///< empty: any
  std::string code;           ///< a reply code, with `x` for any digit: "554", "4xx"; empty: any
  std::string status;         ///< an enhanced status, with `x` for any number: "5.7.1", "4.7.x"; empty: any
  std::string match;          ///< regular expression over the whole reply, case does not matter; empty: any
  Meaning means;
  Until until;
  Position at;        ///< of the element in its file
  Position match_at;  ///< of the regular expression
};

}  // namespace relaypipe
