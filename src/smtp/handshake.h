#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "smtp/capabilities.h"
#include "smtp/reply.h"
#include "smtp/stage.h"

namespace relaypipe {

/// What was said while a session was opened, followed from outside: the library that opens it says what it sends and
/// what it receives, and this knows the stage, the last reply and the capabilities, which the library does not tell
/// reliably. No I/O.
class Handshake {
 public:
  /// `discarded`: keywords of EHLO, in upper case, that are read as if the relay had not said them.
  explicit Handshake(bool implicit_tls, std::vector<std::string> discarded = {})
      : implicit_tls_(implicit_tls), discarded_(std::move(discarded)) {}

  /// TCP is connected.
  void connected();
  /// The handshake of implicit TLS is done.
  void secured();
  /// A command was sent; only its verb is looked at, so a masked AUTH line serves as well.
  void sent(std::string_view command);
  /// Octets came from the relay. False when they cannot be replies any more (fault()), or lead astray
  /// (bad_challenge()): the session has to be given up.
  bool received(std::string_view octets);
  /// A line that is to be received next, as the library has to be given it to read what we read: it takes keywords in
  /// upper case alone, the greeting line for a keyword, and for STARTTLS and AUTH one code each. As long as `line`.
  [[nodiscard]] std::string restated(std::string_view line) const;

  [[nodiscard]] Stage stage() const { return stage_; }
  /// How many steps are completed: the connection, TLS, every whole reply. A reply that drips in is none.
  [[nodiscard]] std::size_t steps() const { return steps_; }
  [[nodiscard]] const std::optional<Reply>& last_reply() const { return last_reply_; }
  [[nodiscard]] const std::optional<ReplyFault>& fault() const { return fault_; }
  [[nodiscard]] std::string fault_text() const { return parser_.fault_text(); }
  /// Of the newest EHLO reply; nothing where the relay knows only HELO. What was announced before TLS does not count
  /// after it (RFC 3207 section 4.2).
  [[nodiscard]] const Capabilities& capabilities() const { return capabilities_; }
  /// Whether the relay accepted an AUTH command (RFC 4954: 235; others of 2yz are taken as that, as smtp(8) does).
  [[nodiscard]] bool authenticated() const { return authenticated_; }
  /// The mechanism of the last AUTH command; empty before it.
  [[nodiscard]] const std::string& mechanism() const { return mechanism_; }
  /// What the relay asked for during AUTH that it must not be told, as a phrase. The session has to be given up.
  [[nodiscard]] const std::optional<std::string_view>& bad_challenge() const { return bad_challenge_; }
  /// Whether the relay offers STARTTLS now and was never asked for it.
  [[nodiscard]] bool overlooked_starttls() const { return capabilities_.starttls && !starttls_refusal_; }
  /// Why there was no TLS, as a phrase, where the relay was asked for it.
  [[nodiscard]] std::string clear_reason() const;

 private:
  void on_reply(const Reply& reply);

  bool implicit_tls_;
  bool authenticated_ = false;
  Stage stage_ = Stage::Connect;
  std::size_t steps_ = 0;
  bool extended_ = false;  ///< the last hello was EHLO
  std::vector<std::string> discarded_;
  std::string mechanism_;
  std::size_t challenges_ = 0;  ///< since AUTH was said
  std::optional<std::string_view> bad_challenge_;
  std::optional<Reply> starttls_refusal_;
  ReplyParser parser_;
  std::optional<Reply> last_reply_;
  std::optional<ReplyFault> fault_;
  Capabilities capabilities_;
};

}  // namespace relaypipe
