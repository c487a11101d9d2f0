#include "relay_stream.h"

#include <sys/socket.h>
#include <unistd.h>

RelayStream::~RelayStream() {
  flush();
  if (tls_ != nullptr) {
    SSL_shutdown(tls_);
    SSL_free(tls_);
  }
  ::close(descriptor_);
}

bool RelayStream::fill() {
  if (!flush()) return false;
  char chunk[16384];
  const auto got = tls_ != nullptr ? SSL_read(tls_, chunk, sizeof chunk) : ::recv(descriptor_, chunk, sizeof chunk, 0);
  if (got <= 0) return false;
  input_.append(chunk, static_cast<std::size_t>(got));
  return true;
}

bool RelayStream::flush() {
  std::string_view left = output_;
  while (!left.empty()) {
    const auto sent = tls_ != nullptr ? SSL_write(tls_, left.data(), static_cast<int>(left.size()))
                                      : ::send(descriptor_, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
  output_.clear();
  return true;
}

bool RelayStream::read_line(std::string& line) {
  std::size_t end = 0;
  while ((end = input_.find('\n')) == std::string::npos)
    if (!fill()) return false;
  line = input_.substr(0, end > 0 && input_[end - 1] == '\r' ? end - 1 : end);
  input_.erase(0, end + 1);
  return true;
}

long RelayStream::read_content() {
  constexpr std::string_view kEnd = "\r\n.\r\n";
  // The CRLF of the DATA line may be the first two octets of the end: of an empty message.
  input_.insert(0, "\r\n");
  long octets = -2;
  for (;;) {
    const std::size_t end = input_.find(kEnd);
    if (end != std::string::npos) {
      octets += static_cast<long>(end) + 2;
      input_.erase(0, end + kEnd.size());
      return octets;
    }
    const std::size_t done = input_.size() < kEnd.size() ? 0 : input_.size() - (kEnd.size() - 1);
    octets += static_cast<long>(done);
    input_.erase(0, done);
    if (!fill()) return -1;
  }
}

void RelayStream::reply(std::string_view line) { output_.append(line).append("\r\n"); }

bool RelayStream::start_tls(SSL_CTX* context) {
  if (!flush()) return false;
  input_.clear();
  tls_ = SSL_new(context);
  return SSL_set_fd(tls_, descriptor_) == 1 && SSL_accept(tls_) == 1;
}
