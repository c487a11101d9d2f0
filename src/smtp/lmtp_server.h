#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "message/content_decoder.h"
#include "smtp/client_report.h"
#include "smtp/command_lines.h"
#include "smtp/lmtp_command.h"
#include "smtp/lmtp_event.h"

namespace relaypipe {

inline constexpr std::size_t kLmtpRecipients = 10000;  ///< of one message; further ones get 452

/// The server's side of LMTP (RFC 2033) as lmtp(8) speaks it: octets go in, output and events come out; no I/O.
///
/// LHLO, MAIL and DATA never get a verdict, which would bounce all recipients; RCPT and the dot do.
///
/// What follows the RCPTs tells an address probe (RSET, QUIT, MAIL ...) from a message (DATA), so their replies are
/// held back until it has come: in a probe they are the verdict, in a message they say no more than that the dot will
/// have one. lmtp(8) sends both in one batch. Where nothing follows it waits for the replies (quiet()), for one of two
/// reasons. It does not pipeline; then the recipient is probed, which is right for a message too. Or its buffer of 4 KB
/// is full of RCPTs; then they are accepted unasked, since it is a message: a probe has one recipient, but for those of
/// `sendmail -bv`, which are told so.
///
/// XFORWARD tells the queue id of mail that came by SMTP only. For other mail it is looked for in the header, so a
/// message begins when as much of it is there.
class LmtpServer {
 public:
  struct Settings {
    std::string hostname;
    bool dsn = true;  ///< announced: Postfix then leaves all reports to the relay (RFC 3461 5.2.3)
  };
  explicit LmtpServer(Settings settings);

  void announce_dsn(bool on) { settings_.dsn = on; }  ///< from the next LHLO on
  enum class Want {
    Output,  ///< much of output() has gathered: send it and go on with next()
    Input,   ///< read, and then receive()
    Quiet,   ///< the same, but quiet() when nothing has come for quiet_after()
    Answer,  ///< answer() is owed: do not read, but watch whether the client is still there
    End,     ///< nothing but to send output() and to close
  };
  /// What to do when next() has nothing. output() is to be sent in every case.
  [[nodiscard]] Want want() const;
  [[nodiscard]] Duration quiet_after() const;

  /// Octets to send; stable until any other call.
  [[nodiscard]] std::string_view output() const { return std::string_view(output_).substr(sent_); }
  void sent(std::size_t count) { sent_ += count; }
  /// Octets that came from the client, cut anywhere.
  void receive(std::string_view octets) { lines_.append(octets); }
  /// The client closed the connection: what it sent and nobody looked at is void.
  void closed();
  /// The next event in what was received.
  std::optional<LmtpEvent> next();
  /// Nothing has come. The event that follows from it, if any.
  std::optional<LmtpEvent> quiet();
  /// One of the answers that are owed, each as soon as it and those before it are known.
  void answer(const LmtpReply& reply);

  /// Whether the connection may be closed without harm: a message was answered and nothing came since. A client that
  /// uses a session again says RSET first, and takes another connection where that fails.
  [[nodiscard]] bool idle() const { return idle_ && lines_.rest().empty(); }

 private:
  enum class Phase { Commands, Probe, Header, Content, EndOfData, End };
  /// A recipient whose reply is held back.
  struct Held {
    RcptCommand command;
    std::optional<LmtpReply> refusal;  ///< it is no recipient
  };

  std::optional<LmtpEvent> next_message();
  std::optional<LmtpEvent> next_content();
  std::optional<LmtpEvent> take_line(const CommandLines::Line& line);
  void obey(const LmtpCommand& command);
  std::optional<LmtpEvent> probe();
  void begin_message();
  void introduce(std::string_view client);
  void begin_transaction(std::string_view arguments);
  void add_recipient(std::string_view arguments);
  void accept(Held& held, const LmtpReply& reply);
  void accept_held(std::string_view text);
  void skip_refused();
  void reset();
  [[nodiscard]] Envelope envelope() const;
  void say(std::string_view line);
  void say(const LmtpReply& reply);

  Settings settings_;
  std::string output_;
  std::size_t sent_ = 0;  ///< octets of output_
  CommandLines lines_;
  ContentDecoder decoder_;
  Phase phase_ = Phase::Commands;
  bool idle_ = false;
  bool end_told_ = false;
  std::size_t owed_ = 0;   ///< answers for LmtpEndOfData
  std::size_t batch_ = 0;  ///< octets of commands since the client has last waited for replies

  std::string lhlo_name_;  ///< what the client calls itself
  ForwardedClient client_;
  std::optional<MailCommand> mail_;      ///< of the transaction
  std::optional<LmtpReply> bad_sender_;  ///< said to every RCPT, as MAIL must not have it
  std::vector<Held> held_;               ///< in the order of their commands
  std::size_t decided_ = 0;              ///< of held_, in a probe
  std::vector<RcptCommand> recipients_;  ///< that were accepted
  LmtpMessage message_;                  ///< in Phase::Header, while its queue id is looked for
  std::size_t named_ = 0;                ///< RCPT commands of the transaction
  std::size_t named_octets_ = 0;         ///< in them
};

}  // namespace relaypipe
