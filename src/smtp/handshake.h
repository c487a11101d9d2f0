#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/stage.h"
#include "smtp/capabilities.h"
#include "smtp/reply.h"

namespace relaypipe {

/// What was said while a session was opened, followed from outside: the library that opens it says what it sends and
/// what it receives, and this knows the stage, the last reply and the capabilities, which the library does not tell
/// reliably. No I/O.
class Handshake {
 public:
  explicit Handshake(bool implicit_tls) : implicit_tls_(implicit_tls) {}

  /// TCP is connected.
  void connected();
  /// A command was sent; only its verb is looked at, so a masked AUTH line serves as well.
  void sent(std::string_view command);
  /// Octets came from the relay. False when they cannot be replies any more (ReplyFault): the session has to be given
  /// up.
  bool received(std::string_view octets);

  [[nodiscard]] Stage stage() const { return stage_; }
  [[nodiscard]] const std::optional<Reply>& last_reply() const { return last_reply_; }
  [[nodiscard]] const std::optional<ReplyFault>& fault() const { return fault_; }
  [[nodiscard]] std::string fault_text() const { return parser_.fault_text(); }
  /// Of the newest EHLO reply; nothing where the relay knows only HELO. What was announced before TLS does not count
  /// after it (RFC 3207 section 4.2).
  [[nodiscard]] const Capabilities& capabilities() const { return capabilities_; }
  /// Whether the relay accepted an AUTH command (RFC 4954: 235).
  [[nodiscard]] bool authenticated() const { return authenticated_; }

 private:
  void on_reply(const Reply& reply);

  bool implicit_tls_;
  bool authenticated_ = false;
  Stage stage_ = Stage::Connect;
  bool extended_ = false;  ///< the last hello was EHLO
  ReplyParser parser_;
  std::optional<Reply> last_reply_;
  std::optional<ReplyFault> fault_;
  Capabilities capabilities_;
};

}  // namespace relaypipe
