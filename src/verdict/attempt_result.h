#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/deadline.h"
#include "base/wall_time.h"
#include "http/api_outcome.h"
#include "relay/reply_rule.h"
#include "smtp/enhanced_status.h"
#include "smtp/reply.h"
#include "smtp/stage.h"
#include "smtp/transaction_result.h"

namespace relaypipe {

/// The relay, and the address of it, that an attempt was made at.
struct Peer {
  std::string relay;  ///< the relay as configured or as written in the nexthop
  std::string host;   ///< the host name, or the address itself where the destination is one
  std::string ip;     ///< empty before an address was chosen
  std::uint16_t port = 0;

  /// `host[ip]:port` as in Postfix's `relay=`; the relay's name while there is no address.
  [[nodiscard]] std::string text() const;
};

/// `192.0.2.1:587`, `[2001:db8::1]:587`: how an endpoint is named.
std::string endpoint_text(const std::string& ip, std::uint16_t port);

/// What kept a relay from a ready session, where no reply tells it.
enum class SessionError {
  NotFound,       ///< the name does not exist, or has no address
  LookupFailed,   ///< no answer, or a failing one, from DNS
  NullMx,         ///< the domain takes no mail (RFC 7505)
  LoopsBack,      ///< this host is the best MX of the domain, or the address is its own
  NoPrimary,      ///< this host is an MX of the domain, and there is no better one
  Unconnected,    ///< TCP refused or unreachable
  TimedOut,       ///< the stage's time limit
  Lost,           ///< the connection ended
  ProtocolError,  ///< no SMTP came
  TlsMissing,     ///< STARTTLS is required and not offered, or was refused
  TlsFailed,      ///< the handshake failed
  Untrusted,      ///< the certificate is not trusted, or names another host
  AuthMissing,    ///< credentials are configured and AUTH, or a mechanism we know, is not offered
  AuthRefused,    ///< our credentials were not taken; `reply` has the refusal where it was one of 4yz or 5yz
  NoCredentials,  ///< credentials are configured, but cannot be had, or must not go over such a connection
  Misconfigured,  ///< a file or value of our own configuration cannot be used
  Local,          ///< our own machine
};

/// No ready session: everything here speaks of the relay, never of the message. `reply` is the relay's refusal (4yz or
/// 5yz) where it gave one.
struct SessionFailure {
  Stage stage;
  SessionError error = SessionError::Lost;
  std::string detail;  ///< a short printable phrase: a system error, a library's words
  std::optional<Reply> reply = std::nullopt;
  /// The domain itself cannot receive mail (it does not exist, null MX), and it is the recipient's own, not a
  /// configured relay.
  bool recipient_domain = false;
  bool tls_needed = false;  ///< credentials were to be used: clear text is no way out of broken TLS
};

/// Not ready within its patience when another relay was: given up, without a failure of its own.
struct Superseded {
  Stage stage;
  bool silent = false;  ///< it had completed no step for the whole patience of its relay
};

/// A ready relay that cannot take this message.
struct Unsupported {
  enum class Why { TooBig, NoSmtpUtf8 } why;
  std::uint64_t size = 0;   ///< of the message, octets (RFC 1870)
  std::uint64_t limit = 0;  ///< announced by the relay
};

/// A relay that was not asked at all, because of what is remembered of it.
struct Skipped {
  enum class Why {
    CoolingDown,     ///< it failed, and cools down
    Probing,         ///< another process looks right now whether it is well again
    Suspended,       ///< by the administrator
    Exhausted,       ///< its rate, a quota of its, or its connections are used up
    SenderNotTaken,  ///< it refused this sender a short while ago
    DomainNotTaken,  ///< it did not relay to this recipient's domain a short while ago
  } why = Why::CoolingDown;
  WallTime until = kNever;  ///< when it may be asked; kNever: nobody knows
  Cause cause = Cause::Unknown;
  std::string words;  ///< what it failed with, or which limit it is; printable
};

/// What one attempt showed: one value with its own data, not a code and a text. Of a relay that speaks HTTPS a message
/// that it took is Accepted with HTTP's status as the code, and an answer that leaves it open Unconfirmed.
using AttemptResult =
    std::variant<Accepted, Refused, RecipientsRefused, Deliverable, Lost, ProtocolError, Unconfirmed, Aborted,
                 SessionFailure, Superseded, Unsupported, Skipped, ApiRefusal, ApiUnsupported>;

/// One attempt: where, what it showed, and how long setting up and the transaction took.
struct Attempt {
  Peer peer;
  AttemptResult what;
  Duration setup{};
  Duration transfer{};
  std::size_t leg = 0;  ///< the place of its relay in the plan
  /// Whom it concerns, by their places in the envelope; empty: all recipients.
  std::vector<std::size_t> recipients = {};
};

}  // namespace relaypipe
