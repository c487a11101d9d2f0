#pragma once

#include <ctime>
#include <string>

#include "base/journal.h"
#include "io/base/unique_fd.h"

namespace relaypipe {

/// `Nov 21 22:00:00`, in the C locale and local time as RFC 3164 section 4.1.2 wants it.
std::string log_timestamp();

/// Lines to the syslog daemon, facility mail, over its datagram socket, in the form of RFC 3164 as the C library writes
/// it.
///
/// Not syslog(3): that one blocks for as long as the daemon does not read, and a delivery that hangs after acceptance
/// is killed and bounced by pipe(8). Here a line that cannot be written within a fifth of a second is dropped. A daemon
/// that was restarted is found again with the next line.
class SyslogJournal {
 public:
  SyslogJournal(std::string socket_path, std::string ident) : path_(std::move(socket_path)), ident_(std::move(ident)) {}

  /// Hands over a line. False where nobody listens at the socket, so that it may go another way; a line that a daemon
  /// did not read in time is dropped, and so are those after it.
  bool line(Journal::Level level, std::string_view text);
  /// Forgives a daemon that was not there or did not read: the next line looks for it anew.
  void renew() { broken_ = lost_ = false; }

  /// Whether somebody listens at the socket.
  bool reachable() { return connect(); }

 private:
  enum class Sent { Yes, NotInTime, No };

  bool connect();
  Sent write(std::string_view datagram);

  std::string path_;
  std::string ident_;
  UniqueFd socket_;
  bool broken_ = false;  ///< no line is written any more
  bool lost_ = false;    ///< there was a daemon, and it did not read
};

}  // namespace relaypipe
