#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "message/envelope.h"
#include "smtp/capabilities.h"
#include "smtp/reply.h"

namespace relaypipe {

/// Octets as xtext (RFC 3461 section 4).
std::string xtext(std::string_view octets);
/// The octets that xtext stands for; nothing where it is not valid.
std::optional<std::string> parse_xtext(std::string_view text);

/// What XFORWARD tells of a message.
struct ForwardedClient {
  std::string queue_id;  ///< IDENT
  ClientInfo client;
};
/// The attributes of XFORWARD that Postfix's server knows, as announced in LHLO.
inline constexpr std::string_view kForwardedAttributes = "NAME ADDR PORT PROTO HELO IDENT SOURCE";
/// Reads the arguments of one XFORWARD command into `known`; those that are told again replace the former ones. False,
/// and nothing changed, where an attribute is not known or a value is not valid.
bool parse_xforward(std::string_view arguments, ForwardedClient& known);

/// The XFORWARD commands that tell the relay, for its log, which client gave us the message (Postfix XFORWARD_README):
/// the attributes it offers, those we do not know as [UNAVAILABLE], as many commands as their length asks for. A
/// message without a client was made on this machine: then only IDENT and SOURCE are told. Without line ends.
std::vector<std::string> xforward_commands(const Envelope& envelope, const Capabilities& relay);

/// The XCLIENT command that makes the relay treat this session as the client's own (Postfix XCLIENT_README), without
/// line end; nothing where the relay does not offer it, or the client is not known.
std::optional<std::string> xclient_command(const Envelope& envelope, const Capabilities& relay);

/// XCLIENT and the EHLO after it, as a state machine without I/O. The relay begins anew with another greeting, which
/// may be a refusal of the client, and may then offer something else.
class XclientExchange {
 public:
  /// `discarded` as with parse_capabilities().
  XclientExchange(std::string command, std::string helo_name, std::vector<std::string> discarded = {});

  /// Octets to send now; stable until sent() or receive() is called.
  [[nodiscard]] std::string_view output() const { return output_; }
  void sent(std::size_t count) { output_.erase(0, count); }
  void receive(std::string_view octets);

  enum class State {
    Waiting,  ///< for output to leave, or for a reply
    Done,     ///< the relay knows the client: capabilities() are what it offers now
    Refused,  ///< it does not take the command; the session goes on as it was
    Lost,     ///< the session cannot be used any more; reply() where the relay refused to go on, else garbage came
  };
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const std::optional<Reply>& reply() const { return reply_; }
  [[nodiscard]] const Capabilities& capabilities() const { return capabilities_; }

 private:
  void take(Reply reply);

  std::string ehlo_;
  std::string output_;
  std::vector<std::string> discarded_;
  bool introduced_ = false;  ///< EHLO was said
  State state_ = State::Waiting;
  ReplyParser parser_;
  std::optional<Reply> reply_;
  Capabilities capabilities_;
};

}  // namespace relaypipe
