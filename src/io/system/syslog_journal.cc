#include "io/system/syslog_journal.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/printable.h"

namespace relaypipe {
namespace {

constexpr int kPatienceMs = 200;

}  // namespace

std::string log_timestamp() {
  constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return fmt::format("{} {:2} {:02}:{:02}:{:02}", kMonths.at(static_cast<std::size_t>(local.tm_mon)), local.tm_mday,
                     local.tm_hour, local.tm_min, local.tm_sec);
}

bool SyslogJournal::connect() {
  if (socket_) return true;
  if (broken_) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  broken_ = true;
  if (path_.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  UniqueFd made(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made) return false;
  if (::connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
  socket_ = std::move(made);
  broken_ = false;
  return true;
}

SyslogJournal::Sent SyslogJournal::write(std::string_view datagram) {
  for (int tries = 0; tries < 2; ++tries) {
    if (send(socket_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL) >= 0) return Sent::Yes;
    if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR) return Sent::No;
    pollfd writable{socket_.get(), POLLOUT, 0};
    if (poll(&writable, 1, kPatienceMs) <= 0) break;
  }
  return Sent::NotInTime;
}

bool SyslogJournal::line(Journal::Level level, std::string_view text) {
  if (!connect()) return lost_;
  const int priority = LOG_MAIL | (level == Journal::Level::Info ? LOG_INFO : LOG_WARNING);
  const std::string datagram =
      fmt::format("<{}>{} {}[{}]: {}", priority, log_timestamp(), ident_, getpid(), printable(text));
  // A daemon that went away leaves a socket nobody reads; another one may have taken its place.
  for (int daemons = 0; daemons < 2 && connect(); ++daemons) {
    const Sent sent = write(datagram);
    if (sent == Sent::Yes) return true;
    socket_.reset();
    // One slow daemon costs one wait, not one per line.
    if (sent == Sent::NotInTime) return broken_ = lost_ = true;
  }
  return false;
}

}  // namespace relaypipe
