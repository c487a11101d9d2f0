#include "io/system/syslog_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include "base/printable.h"
#include "io/base/error_text.h"
#include "io/system/syslog_journal.h"

namespace relaypipe {
namespace {

/// The name of this machine up to its first dot, as syslog daemons write it.
std::string short_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  const std::string_view whole(name.data());
  return std::string(whole.substr(0, whole.find('.')));
}

bool is_standard(int fd) {
  struct stat file {};
  if (fstat(fd, &file) != 0) return true;
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    struct stat other {};
    if (fstat(standard, &other) == 0 && other.st_dev == file.st_dev && other.st_ino == file.st_ino) return true;
  }
  return false;
}

}  // namespace

Result<bool, std::string> SyslogFile::open() {
  if (file_) return true;
  failed_ = true;
  const int create = geteuid() == 0 ? 0 : O_CREAT;
  UniqueFd opened(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | create, 0640));
  if (!opened) return fail(error_text(errno));
  if (is_standard(opened.get()))
    return fail(std::string("this is standard input, output or error, which pipe(8) reads"));
  failed_ = false;
  file_ = std::move(opened);
  return true;
}

bool SyslogFile::line(std::string_view text) {
  if (path_.empty() || failed_ || !open()) return false;
  const std::string line =
      fmt::format("{} {} {}[{}]: {}\n", log_timestamp(), short_name(), ident_, getpid(), printable(text));
  ssize_t written = -1;
  do {
    written = write(file_.get(), line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  return written > 0;
}

}  // namespace relaypipe
