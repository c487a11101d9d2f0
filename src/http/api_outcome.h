#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/deadline.h"

namespace relaypipe {

/// Why a message cannot go by an interface at all.
struct ApiUnsupported {
  enum class Why {
    TooBig,             ///< for every message of its size
    TooManyRecipients,  ///< a smaller recipient_limit helps
    OtherRecipients,    ///< the header names people that the envelope does not, and the provider would write to them
    NullSender,         ///< the provider sends only as somebody
    NotAscii,           ///< an address needs SMTPUTF8, which the provider has no word for
  } why;
  std::uint64_t size = 0;
  std::uint64_t limit = 0;
  std::string text;  ///< a printable phrase that says so: `its header names bob@example.com, who is not ...`
};

/// A message that the provider has taken.
struct ApiAccepted {
  int status = 200;
  std::string words;  ///< `MessageId 0102018f-…`; printable
};

/// A message that it has not taken, or a request it did not like.
struct ApiRefusal {
  int status = 0;     ///< HTTP's
  std::string code;   ///< the provider's word, such as `TooManyRequestsException`; may be empty
  std::string words;  ///< its sentence; may be empty
  std::optional<Duration> wait = std::nullopt;  ///< for how long it asks to be left alone; at most a week

  /// As one printable line: `429 TooManyRequestsException: Maximum sending rate exceeded.`
  [[nodiscard]] std::string text() const;
};

/// An answer that leaves open whether it has the message: as a dot without a reply.
struct ApiUnknown {
  std::string what;  ///< a printable phrase: `200 without a MessageId`
};

using ApiOutcome = std::variant<ApiAccepted, ApiRefusal, ApiUnknown>;

/// What an answer to ProviderApi::ask showed.
struct AskOutcome {
  bool authenticated = false;  ///< the credentials are taken
  bool may_send = true;        ///< false: they are, and yet nothing can be sent, as `words` says
  std::string words = {};      ///< printable: `200, 0 of 50000 sent in 24 hours`
  std::optional<ApiRefusal> trouble =
      std::nullopt;        ///< an answer that tells nothing of the credentials (503, a proxy's)
  std::string clock = {};  ///< printable: how far this machine's is off, where signatures do not allow it; else empty
};

/// What a refusal says of its reason, where it is found in each provider's own way.
struct RefusalWords {
  std::string code;
  std::string words;
};

}  // namespace relaypipe
