#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/event_loop.h"
#include "base/result.h"
#include "io/base/unique_fd.h"

namespace relaypipe {

/// One question to a policy server and its answer, as a part of the event loop.
class PolicyClient final : public Pollable {
 public:
  using Answer = Result<std::string, std::string>;

  /// Begins to connect to `endpoint`, which is `unix:PATH` or `inet:ADDRESS:PORT` (ADDRESS an IP address or
  /// `localhost`: a name would have to be looked up first). The exchange ends at `end`.
  PolicyClient(std::string_view endpoint, std::string request, Instant end);

  /// The whole answer, up to and with the empty line, or a short phrase for what went wrong; nothing while the exchange
  /// goes on.
  [[nodiscard]] const std::optional<Answer>& answer() const { return answer_; }

  Instant interests(std::vector<pollfd>& fds, Instant now) override;
  void serve(std::span<const pollfd> fds, Instant now) override;

 private:
  enum class Step { Connect, Send, Receive };
  struct Address {
    sockaddr_storage octets{};
    socklen_t length = 0;
  };
  using Addresses = Result<std::vector<Address>, std::string>;

  static Addresses unix_address(std::string_view path);
  static Addresses inet_addresses(std::string_view host_port);
  void connect();
  void connect_failed(int error);
  void connected();
  void send_request();
  void receive_answer();
  void end_with(std::string_view trouble) { answer_ = fail(std::string(trouble)); }

  Instant end_;
  std::vector<Address> addresses_;  ///< the one that is connected to, and those after it
  std::string request_;             ///< what of it is not sent yet
  std::string received_;
  std::optional<UniqueFd> socket_;
  Step step_ = Step::Connect;
  std::optional<Answer> answer_;
};

}  // namespace relaypipe
