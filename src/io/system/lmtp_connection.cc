#include "io/system/lmtp_connection.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace relaypipe {
namespace {

constexpr std::size_t kPart = 64UL * 1024;

bool is_socket(int fd) {
  struct stat facts {};
  return fstat(fd, &facts) == 0 && S_ISSOCK(facts.st_mode);
}

bool is_transient(int error) { return error == EINTR || error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

LmtpConnection::LmtpConnection(int in, int out, LmtpServer::Settings settings)
    : in_(in),
      out_(out),
      in_is_socket_(is_socket(in)),
      out_is_socket_(is_socket(out)),
      server_(std::move(settings)),
      buffer_(kPart, '\0') {}

std::optional<LmtpEvent> LmtpConnection::take_event() {
  go_on();
  return std::exchange(event_, std::nullopt);
}

void LmtpConnection::content_to(Spool& spool) {
  spool_ = &spool;
  pump();
}

/// Sends and lets the dialogue go on, as long as it waits for nothing but room for its output.
void LmtpConnection::go_on() {
  do {
    pump();
    send();
  } while (!event_ && server_.want() == LmtpServer::Want::Output && flushed() && !broken_);
}

/// Lets the dialogue go on with what was received, up to an event that somebody has to take.
void LmtpConnection::pump() {
  while (!event_) {
    auto event = server_.next();
    if (!event) break;
    if (const auto* const content = std::get_if<LmtpContent>(&*event)) {
      if (spool_ != nullptr) spool_->add(content->octets);
    } else if (std::holds_alternative<LmtpEndOfData>(*event)) {
      if (spool_ != nullptr) spool_->end();
    } else {
      event_ = std::move(event);
    }
  }
}

bool LmtpConnection::wants_input() const {
  const LmtpServer::Want want = server_.want();
  return !event_ && (want == LmtpServer::Want::Input || want == LmtpServer::Want::Quiet);
}

Instant LmtpConnection::interests(std::vector<pollfd>& fds, Instant now) {
  if (!flushed()) fds.push_back({out_, POLLOUT, 0});
  if (wants_input()) fds.push_back({in_, POLLIN, 0});
  if (event_) return now;
  if (server_.want() != LmtpServer::Want::Quiet) return Instant::max();
  return std::max(now, quiet_at_);
}

void LmtpConnection::serve(std::span<const pollfd> fds, Instant now) {
  send();
  if (wants_input() && found(fds, in_) != 0)
    receive(now);
  else if (!event_ && server_.want() == LmtpServer::Want::Quiet && now >= quiet_at_)
    event_ = server_.quiet();
  go_on();
}

void LmtpConnection::receive(Instant now) {
  const ssize_t count = in_is_socket_ ? recv(in_, buffer_.data(), buffer_.size(), MSG_DONTWAIT)
                                      : read(in_, buffer_.data(), buffer_.size());
  if (count < 0 && is_transient(errno)) return;
  if (count <= 0) return close();
  server_.receive(std::string_view(buffer_).substr(0, static_cast<std::size_t>(count)));
  pump();
  quiet_at_ = now + server_.quiet_after();
}

/// The client is gone. A content without its dot is none.
void LmtpConnection::close() {
  server_.closed();
  if (spool_ != nullptr && spool_->state() == Spool::State::Reading)
    spool_->fail("the connection ended before the message did");
}

void LmtpConnection::send() {
  while (!flushed()) {
    const std::string_view output = server_.output();
    const ssize_t count = out_is_socket_ ? ::send(out_, output.data(), output.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                                         : write(out_, output.data(), output.size());
    if (count < 0 && is_transient(errno)) return;
    broken_ = count < 0;
    if (count > 0) server_.sent(static_cast<std::size_t>(count));
  }
}

}  // namespace relaypipe
