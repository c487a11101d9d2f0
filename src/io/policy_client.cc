#include "io/policy_client.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

namespace relaypipe {
namespace {

constexpr std::size_t kAnswerOctets = 64UL * 1024;  ///< more is no answer

std::string system_error_text(int error) { return std::generic_category().message(error); }

/// A socket that is being, or is, connected, and the end of its time.
class Connection {
 public:
  Connection(int fd, const Clock& clock, Instant end) : fd_(fd), clock_(clock), end_(end) {}
  ~Connection() {
    if (fd_ >= 0) close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

  /// Waits until it can be read or written. False when the time is over.
  [[nodiscard]] bool wait(short events) const {
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - clock_.now());
      if (left.count() <= 0) return false;
      pollfd entry{fd_, events, 0};
      const int ready = poll(&entry, 1, static_cast<int>(left.count()));
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) return false;
    }
  }

 private:
  int fd_;
  const Clock& clock_;
  Instant end_;
};

using Opened = Result<std::unique_ptr<Connection>, std::string>;

/// What the whole exchange has.
struct Time {
  const Clock& clock;
  Instant end;
};

Opened connect_to(int family, const sockaddr* address, socklen_t length, const Time& time) {
  const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  auto connection = std::make_unique<Connection>(fd, time.clock, time.end);
  if (connection->fd() < 0) return fail(system_error_text(errno));
  if (connect(connection->fd(), address, length) != 0 && errno != EINPROGRESS) return fail(system_error_text(errno));
  if (!connection->wait(POLLOUT)) return fail(std::string("no connection in time"));
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(connection->fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(system_error_text(error));
  return connection;
}

Opened open_unix(std::string_view path, const Time& time) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(std::string("the path is too long for a socket"));
  std::memcpy(address.sun_path, path.data(), path.size());
  return connect_to(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address, time);
}

Opened open_inet(std::string_view host_port, const Time& time) {
  const std::size_t colon = host_port.rfind(':');
  std::string host(host_port.substr(0, colon));
  const std::string port(host_port.substr(colon + 1));
  if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
  if (host == "localhost") {
    Opened first = open_inet("127.0.0.1:" + port, time);
    return first ? std::move(first) : open_inet("[::1]:" + port, time);
  }
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); code != 0)
    return fail(std::string(gai_strerror(code)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, freeaddrinfo);
  Opened opened = fail(std::string("no address"));
  for (const addrinfo* entry = addresses.get(); entry != nullptr && !opened; entry = entry->ai_next) {
    opened = connect_to(entry->ai_family, entry->ai_addr, entry->ai_addrlen, time);
  }
  return opened;
}

}  // namespace

Result<std::string, std::string> ask_policy(std::string_view endpoint, std::string_view request, Duration limit,
                                            const Clock& clock) {
  const Time time{clock, clock.now() + limit};
  const bool local = endpoint.starts_with("unix:");
  const Opened opened =
      local ? open_unix(endpoint.substr(5), time) : open_inet(endpoint.substr(endpoint.find(':') + 1), time);
  if (!opened) return fail(opened.error());
  const Connection& connection = **opened;
  while (!request.empty()) {
    if (!connection.wait(POLLOUT)) return fail(std::string("it does not read the request"));
    const ssize_t count = send(connection.fd(), request.data(), request.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) return fail(system_error_text(errno));
    if (count > 0) request.remove_prefix(static_cast<std::size_t>(count));
  }
  std::string answer;
  std::array<char, 4096> part;
  while (!answer.starts_with("\n") && answer.find("\n\n") == answer.npos) {
    if (answer.size() > kAnswerOctets) return fail(std::string("its answer has no end"));
    if (!connection.wait(POLLIN)) return fail(std::string("no answer in time"));
    const ssize_t count = recv(connection.fd(), part.data(), part.size(), 0);
    if (count < 0 && errno != EAGAIN && errno != EINTR) return fail(system_error_text(errno));
    if (count == 0) return fail(std::string("it closed the connection without an answer"));
    if (count > 0) answer.append(part.data(), static_cast<std::size_t>(count));
  }
  return answer;
}

}  // namespace relaypipe
