#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>

#include "catch.h"

namespace relaypipe::contract {

constexpr int kPatience = 10000;  ///< milliseconds, for what happens at once

/// Listens on loopback with a small buffer, and is the relay's end of one connection.
class RelayEnd {
 public:
  RelayEnd() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int small = 4096;
    setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address_), size) == 0);
    REQUIRE(listen(listener_, 1) == 0);
    REQUIRE(getsockname(listener_, reinterpret_cast<sockaddr*>(&address_), &size) == 0);
  }
  ~RelayEnd() {
    close(connection_);
    close(listener_);
  }
  RelayEnd(const RelayEnd&) = delete;
  RelayEnd& operator=(const RelayEnd&) = delete;

  [[nodiscard]] std::uint16_t port() const { return ntohs(address_.sin_port); }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }
  void accept_one() {
    connection_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    REQUIRE(connection_ >= 0);
  }
  /// Whether the other end has sent something that was not read.
  [[nodiscard]] bool has_input() const {
    pollfd readable{connection_, POLLIN, 0};
    return poll(&readable, 1, 0) == 1;
  }
  std::string read_some() const {
    std::array<char, 4096> buffer;
    const ssize_t count = read(connection_, buffer.data(), buffer.size());
    REQUIRE(count > 0);
    return {buffer.data(), static_cast<std::size_t>(count)};
  }
  void say(const std::string& text) const {
    REQUIRE(write(connection_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  /// Ends the connection as a crash would.
  void reset() {
    const linger at_once{1, 0};
    setsockopt(connection_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(connection_);
    connection_ = -1;
  }
  /// Reads until the other end may write again.
  void make_room(int other) const {
    std::array<char, 65536> buffer;
    for (pollfd writable{other, POLLOUT, 0}; poll(&writable, 1, 0) == 0;) {
      pollfd readable{connection_, POLLIN, 0};
      REQUIRE(poll(&readable, 1, kPatience) == 1);
      REQUIRE(read(connection_, buffer.data(), buffer.size()) > 0);
    }
  }

 private:
  int listener_;
  int connection_ = -1;
  sockaddr_in address_{};
};

}  // namespace relaypipe::contract
