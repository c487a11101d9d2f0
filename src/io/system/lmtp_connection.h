#pragma once

#include <optional>
#include <string>

#include "base/event_loop.h"
#include "io/system/spool.h"
#include "smtp/lmtp_server.h"

namespace relaypipe {

/// The connection with lmtp(8): moves octets between its descriptors and the dialogue, and content into a spool. While
/// an answer is owed nothing is read; that the client has gone is then ParentWatch's to notice.
class LmtpConnection final : public Pollable {
 public:
  /// The descriptors may be blocking, and one and the same socket (spawn(8)).
  LmtpConnection(int in, int out, LmtpServer::Settings settings);

  /// The next LmtpProbe, LmtpMessage or LmtpSessionEnd, if it is there; to be waited for in the event loop.
  std::optional<LmtpEvent> take_event();
  /// Where the content of that message goes; its end, or the loss of the client, ends the spool. Until stop_content().
  void content_to(Spool& spool);
  void stop_content() { spool_ = nullptr; }
  /// Whether the dot of a message that was taken is still to come. Answers before it are lost.
  [[nodiscard]] bool expects_content() const { return server_.want() == LmtpServer::Want::Input; }
  void answer(const LmtpReply& reply) { server_.answer(reply); }
  void announce_dsn(bool on) { server_.announce_dsn(on); }

  /// Whether the connection may be closed without harm.
  [[nodiscard]] bool idle() const { return !event_ && server_.idle() && server_.output().empty(); }
  /// Whether everything that was said has been sent, or never can be.
  [[nodiscard]] bool flushed() const { return broken_ || server_.output().empty(); }

  Instant interests(std::vector<pollfd>& fds, Instant now) override;
  void serve(std::span<const pollfd> fds, Instant now) override;

 private:
  [[nodiscard]] bool wants_input() const;
  void receive(Instant now);
  void send();
  void pump();
  void go_on();
  void close();

  int in_;
  int out_;
  bool in_is_socket_;
  bool out_is_socket_;
  LmtpServer server_;
  Spool* spool_ = nullptr;
  std::optional<LmtpEvent> event_;
  Instant quiet_at_{};
  bool broken_ = false;
  std::string buffer_;
};

}  // namespace relaypipe
