#include "io/policy_client.h"

#include <netdb.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "io/base/error_text.h"

namespace relaypipe {
namespace {

constexpr std::size_t kAnswerOctets = 64UL * 1024;  ///< more is no answer

/// Whether the empty line is there.
bool is_whole(std::string_view answer) { return answer.starts_with("\n") || answer.find("\n\n") != answer.npos; }

}  // namespace

PolicyClient::PolicyClient(std::string_view endpoint, std::string request, Instant end)
    : end_(end), request_(std::move(request)) {
  const std::string_view place = endpoint.substr(endpoint.find(':') + 1);
  Addresses addresses = endpoint.starts_with("unix:") ? unix_address(place) : inet_addresses(place);
  if (!addresses) {
    end_with(addresses.error());
    return;
  }
  addresses_ = *std::move(addresses);
  connect();
}

PolicyClient::Addresses PolicyClient::unix_address(std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(std::string("the path is too long for a socket"));
  std::memcpy(address.sun_path, path.data(), path.size());
  Address found{.octets = {}, .length = sizeof address};
  std::memcpy(&found.octets, &address, sizeof address);
  return std::vector{found};
}

PolicyClient::Addresses PolicyClient::inet_addresses(std::string_view host_port) {
  const std::size_t colon = host_port.rfind(':');
  const std::string port(host_port.substr(colon + 1));
  std::string host(host_port.substr(0, colon));
  if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
  std::vector<std::string> hosts{host};
  if (host == "localhost") hosts = {"127.0.0.1", "::1"};
  std::vector<Address> found;
  for (const std::string& each : hosts) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* entry = nullptr;
    if (const int code = getaddrinfo(each.c_str(), port.c_str(), &hints, &entry); code != 0)
      return fail(std::string(gai_strerror(code)));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(entry, freeaddrinfo);
    found.push_back({.octets = {}, .length = entry->ai_addrlen});
    std::memcpy(&found.back().octets, entry->ai_addr, entry->ai_addrlen);
  }
  return found;
}

void PolicyClient::connect() {
  const Address& address = addresses_.front();
  socket_.reset();
  socket_.emplace(::socket(address.octets.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket_->get() < 0) return connect_failed(errno);
  const auto* const name = reinterpret_cast<const sockaddr*>(&address.octets);
  if (::connect(socket_->get(), name, address.length) != 0 && errno != EINPROGRESS) connect_failed(errno);
}

void PolicyClient::connect_failed(int error) {
  addresses_.erase(addresses_.begin());
  addresses_.empty() ? end_with(error_text(error)) : connect();
}

void PolicyClient::connected() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket_->get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return connect_failed(error);
  step_ = Step::Send;
  send_request();
}

void PolicyClient::send_request() {
  while (!request_.empty()) {
    const ssize_t count = ::send(socket_->get(), request_.data(), request_.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) return end_with(error_text(errno));
    request_.erase(0, static_cast<std::size_t>(count));
  }
  step_ = Step::Receive;
}

void PolicyClient::receive_answer() {
  std::array<char, 4096> part;
  while (!is_whole(received_)) {
    if (received_.size() > kAnswerOctets) return end_with("its answer has no end");
    const ssize_t count = ::recv(socket_->get(), part.data(), part.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) return end_with(error_text(errno));
    if (count == 0) return end_with("it closed the connection without an answer");
    received_.append(part.data(), static_cast<std::size_t>(count));
  }
  answer_ = std::move(received_);
}

Instant PolicyClient::interests(std::vector<pollfd>& fds, Instant) {
  if (answer_) return Instant::max();
  fds.push_back({socket_->get(), static_cast<short>(step_ == Step::Receive ? POLLIN : POLLOUT), 0});
  return end_;
}

void PolicyClient::serve(std::span<const pollfd> fds, Instant now) {
  if (answer_) return;
  if (found(fds, socket_->get()) != 0) {
    switch (step_) {
      case Step::Connect: connected(); break;
      case Step::Send: send_request(); break;
      case Step::Receive: receive_answer(); break;
    }
  }
  if (answer_ || now < end_) return;
  end_with(step_ == Step::Connect ? "no connection in time"
           : step_ == Step::Send  ? "it does not read the request"
                                  : "no answer in time");
}

}  // namespace relaypipe
