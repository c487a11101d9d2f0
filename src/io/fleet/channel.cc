#include "io/fleet/channel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "io/base/error_text.h"

namespace relaypipe {
namespace {

constexpr std::size_t kPart = 16384;
constexpr const char* kTooLate = "no answer in time";

std::string tls_error(const ssl_st* tls) {
  const long verdict = SSL_get_verify_result(tls);
  if (verdict != X509_V_OK) return std::string("its certificate: ") + X509_verify_cert_error_string(verdict);
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "TLS: the connection was lost" : std::string("TLS: ") + reason;
}

/// The socket address of an IP address, and its length.
std::pair<sockaddr_storage, socklen_t> socket_address(const std::string& ip, std::uint16_t port) {
  sockaddr_storage address{};
  sockaddr_in four{};
  if (inet_pton(AF_INET, ip.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    std::memcpy(&address, &four, sizeof four);
    return {address, sizeof four};
  }
  sockaddr_in6 six{};
  inet_pton(AF_INET6, ip.c_str(), &six.sin6_addr);
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  std::memcpy(&address, &six, sizeof six);
  return {address, sizeof six};
}

}  // namespace

Channel::~Channel() = default;

/// Whether something happened before `end`.
bool Channel::wait(short events, Instant end) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock_.now());
    if (left.count() <= 0) return false;
    pollfd entry{socket_.get(), events, 0};
    const int ready = poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // the next call says what is wrong
  }
}

std::optional<std::string> Channel::connect_to(int family, const void* address, unsigned length, Instant end) {
  socket_.reset(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return error_text(errno);
  const int yes = 1;
  if (family != AF_UNIX) setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (connect(socket_.get(), static_cast<const sockaddr*>(address), length) == 0) return std::nullopt;
  // A socket in the file system whose queue is full: the store does not take connections.
  if (errno == EAGAIN) return "it takes no connections";
  if (errno != EINPROGRESS) return error_text(errno);
  if (!wait(POLLOUT, end)) return "no connection in time";
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return error_text(error);
  return std::nullopt;
}

std::optional<std::string> Channel::open(const ChannelTarget& target, Instant end) {
  if (target.addresses.empty()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (target.path.size() >= sizeof address.sun_path) return "the path is too long for a socket";
    std::memcpy(address.sun_path, target.path.data(), target.path.size());
    return connect_to(AF_UNIX, &address, sizeof address, end);
  }
  std::optional<std::string> problem = "there is no address";
  for (std::size_t i = 0; i < target.addresses.size() && problem; ++i) {
    const auto [address, length] = socket_address(target.addresses[i], target.port);
    // One that is silent leaves the others their part of the time.
    const auto others = static_cast<std::int64_t>(target.addresses.size() - i);
    const Instant now = clock_.now();
    problem = connect_to(address.ss_family, &address, length, now + std::max(end - now, Duration(0)) / others);
  }
  if (problem || target.tls_name.empty()) return problem;
  return start_tls(target, end);
}

std::optional<std::string> Channel::start_tls(const ChannelTarget& target, Instant end) {
  context_ = {SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  if (!context_) return "TLS cannot be started";
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  const int trusted = target.ca_file.empty()
                          ? SSL_CTX_set_default_verify_paths(context_.get())
                          : SSL_CTX_load_verify_locations(context_.get(), target.ca_file.c_str(), nullptr);
  if (trusted != 1) return "ca_file " + target.ca_file + " cannot be read";
  tls_ = {SSL_new(context_.get()), SSL_free};
  if (!tls_) return "TLS cannot be started";
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(tls_.get());
  std::array<unsigned char, sizeof(in6_addr)> scratch{};
  const bool is_ip = inet_pton(AF_INET, target.tls_name.c_str(), scratch.data()) == 1 ||
                     inet_pton(AF_INET6, target.tls_name.c_str(), scratch.data()) == 1;
  if (is_ip) {
    X509_VERIFY_PARAM_set1_ip_asc(wanted, target.tls_name.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(wanted, target.tls_name.c_str(), 0);
    // What SSL_set_tlsext_host_name() stands for; it changes nothing.
    SSL_ctrl(tls_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(target.tls_name.c_str()));
  }
  SSL_set_fd(tls_.get(), socket_.get());
  while (true) {
    ERR_clear_error();
    const int result = SSL_connect(tls_.get());
    if (result == 1) return std::nullopt;
    if (auto problem = after_tls_call(result, "no TLS handshake in time", end)) return problem;
  }
}

/// Waits for what TLS waits for; what is wrong, where the call is not worth repeating.
std::optional<std::string> Channel::after_tls_call(int result, std::string_view what, Instant end) {
  const int code = SSL_get_error(tls_.get(), result);
  if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE) {
    if (wait(code == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, end)) return std::nullopt;
    return std::string(what);
  }
  if (code == SSL_ERROR_ZERO_RETURN) return "it closed the connection";
  return tls_error(tls_.get());
}

std::optional<std::string> Channel::send(std::string_view octets, Instant end) {
  while (!octets.empty()) {
    if (tls_) {
      ERR_clear_error();
      const int count = SSL_write(tls_.get(), octets.data(), static_cast<int>(std::min(octets.size(), kPart)));
      if (count > 0) {
        octets.remove_prefix(static_cast<std::size_t>(count));
      } else if (auto problem = after_tls_call(count, kTooLate, end)) {
        return problem;
      }
      continue;
    }
    const ssize_t count = ::send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
    if (count > 0) octets.remove_prefix(static_cast<std::size_t>(count));
    if (count >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN) return error_text(errno);
    if (!wait(POLLOUT, end)) return kTooLate;
  }
  return std::nullopt;
}

Result<std::string, std::string> Channel::receive(Instant end) {
  std::string part(kPart, '\0');
  while (true) {
    if (tls_) {
      ERR_clear_error();
      const int count = SSL_read(tls_.get(), part.data(), static_cast<int>(part.size()));
      if (count > 0) {
        part.resize(static_cast<std::size_t>(count));
        return part;
      }
      if (auto problem = after_tls_call(count, kTooLate, end)) return fail(*std::move(problem));
      continue;
    }
    const ssize_t count = recv(socket_.get(), part.data(), part.size(), 0);
    if (count > 0) {
      part.resize(static_cast<std::size_t>(count));
      return part;
    }
    if (count == 0) return fail(std::string("it closed the connection"));
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return fail(error_text(errno));
    if (!wait(POLLIN, end)) return fail(std::string(kTooLate));
  }
}

}  // namespace relaypipe
