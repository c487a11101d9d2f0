#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "message/envelope.h"
#include "smtp/enhanced_status.h"

namespace relaypipe {

// What an LMTP dialogue asks of its owner. Where answers are owed, nothing more is read until they are given.

/// An address probe: which of these recipients would a relay take? One answer for each, in their order.
struct LmtpProbe {
  Envelope envelope;
};
/// A message begins, DATA was answered. Its content follows, then LmtpEndOfData.
struct LmtpMessage {
  Envelope envelope;
};
/// Octets of the content, without stuffed dots. They belong to the server and stand until its next call.
struct LmtpContent {
  std::string_view octets;
};
/// The final dot came: the content is whole. One answer for each recipient of the message, in their order.
struct LmtpEndOfData {};
/// The session is over: QUIT, or the client is gone. A message without LmtpEndOfData before it is none.
struct LmtpSessionEnd {};
using LmtpEvent = std::variant<LmtpProbe, LmtpMessage, LmtpContent, LmtpEndOfData, LmtpSessionEnd>;

/// The answer about one recipient. Its code is 250, 451 or 550, by the class of the status.
struct LmtpReply {
  EnhancedStatus status;
  std::string text;  ///< without codes; is made one printable line, and cut where it is too long
};

}  // namespace relaypipe
