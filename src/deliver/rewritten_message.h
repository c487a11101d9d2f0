#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/journal.h"
#include "deliver/from_rewriting.h"
#include "deliver/observer.h"
#include "message/edited_message.h"
#include "message/envelope.h"
#include "message/message_source.h"
#include "relay/relay.h"

namespace relaypipe {

/// A message as one relay gets it: with the senders that the relay's `envelope_sender` and `header_from` give it. The
/// message itself, and whatever is remembered of it, stays what it is.
class RewrittenMessage {
 public:
  /// The references outlive it. With `header` From is rewritten too; then the message is complete.
  RewrittenMessage(const Envelope& envelope, MessageSource& message, const Relay& relay, bool header);

  [[nodiscard]] const Envelope& envelope() const { return envelope_ ? *envelope_ : original_envelope_; }
  [[nodiscard]] MessageSource& message() { return message_ ? static_cast<MessageSource&>(*message_) : original_; }
  /// For attempt_line(): `, envelope_sender=<a@b>, header_from=<a@b>`, of each what was written; or nothing.
  [[nodiscard]] std::string words() const;
  /// Tells whoever watches what is written, and the log why From or Sender stays although it should not. `trace` may be
  /// null; `log_id` begins the line.
  void tell(const Peer& peer, std::string_view log_id, Journal& journal, Trace* trace) const;

 private:
  const Envelope& original_envelope_;
  MessageSource& original_;
  std::optional<Envelope> envelope_;
  FromRewriting from_;
  std::optional<EditedMessage> message_;
};

}  // namespace relaypipe
