#include "io/system/standard_streams.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/printable.h"

namespace relaypipe {
namespace {

constexpr int kResultLimit = 5000;  ///< milliseconds
constexpr int kNoteLimit = 1000;
constexpr int kForever = -1;

/// Whether something can be written without waiting longer than that. A pipe with room takes PIPE_BUF octets at once.
bool writable_within(int fd, int milliseconds) {
  pollfd waiting{fd, POLLOUT, 0};
  int found = 0;
  do
    found = poll(&waiting, 1, milliseconds);
  while (found < 0 && errno == EINTR);
  return found > 0;
}

/// Whether the text was taken. A result that nobody takes is no reason to change the exit status.
bool write_once(int fd, std::string_view text, int milliseconds) {
  return writable_within(fd, milliseconds) && write(fd, text.data(), text.size()) >= 0;
}

}  // namespace

void occupy_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // open(2) gives the lowest free number, which is this one, as the lower ones are taken. Write-only, standard input
    // too: reading a message that nobody gave us has to fail, where an empty file would be an empty message.
    if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_WRONLY) != fd) _exit(75);
  }
}

void close_inherited_descriptors() {
  constexpr unsigned int kFirst = STDERR_FILENO + 1;
  if (syscall(SYS_close_range, kFirst, ~0U, 0U) == 0) return;
  // A kernel before 5.9.
  constexpr rlim_t kMost = 65536;
  rlimit limit{};
  const rlim_t end = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? std::min(limit.rlim_cur, kMost) : kMost;
  for (unsigned int fd = kFirst; fd < end; ++fd)
    close(static_cast<int>(fd));
}

bool stdout_is_terminal() { return isatty(STDOUT_FILENO) == 1; }

std::size_t stdout_columns() {
  constexpr std::size_t kUsual = 80;
  constexpr std::size_t kNarrowest = 40;
  if (!stdout_is_terminal()) return 0;
  struct winsize size {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return std::max<std::size_t>(size.ws_col, kNarrowest);
}

bool stdout_is_socket() {
  struct stat out {};
  return fstat(STDOUT_FILENO, &out) == 0 && S_ISSOCK(out.st_mode);
}

void silence_standard_error() {
  if (stderr_is_separate() && !stdout_is_socket()) return;
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere < 0) return;
  dup2(nowhere, STDERR_FILENO);
  close(nowhere);
}

bool stdin_is_pipe() {
  struct stat in {};
  return fstat(STDIN_FILENO, &in) == 0 && (S_ISFIFO(in.st_mode) || S_ISSOCK(in.st_mode));
}

bool stderr_is_separate() {
  struct stat out {};
  struct stat err {};
  if (isatty(STDERR_FILENO) == 1) return true;
  if (fstat(STDOUT_FILENO, &out) != 0 || fstat(STDERR_FILENO, &err) != 0) return false;
  return out.st_dev != err.st_dev || out.st_ino != err.st_ino;
}

bool stderr_is_terminal() { return isatty(STDERR_FILENO) == 1; }

void write_note(std::string_view line) { write_once(STDERR_FILENO, std::string(line) + "\n", kNoteLimit); }

void write_progress(std::string_view line) {
  constexpr std::size_t kColumns = 79;
  write_once(STDERR_FILENO, "\r\033[K" + std::string(clip(line, kColumns)), kNoteLimit);
}

void write_result(std::string_view line) { write_once(STDOUT_FILENO, line, kResultLimit); }

void write_text(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno == EAGAIN && writable_within(STDOUT_FILENO, kForever)) continue;
    if (count < 0 && errno != EINTR) return;
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::string read_line() {
  constexpr std::size_t longest = 16384;
  std::string line;
  char octet = 0;
  // One by one: what follows the line is not ours.
  while (line.size() < longest && read(STDIN_FILENO, &octet, 1) == 1 && octet != '\n')
    line += octet;
  return line;
}

void StderrTrace::dialogue(const Peer& peer, Direction direction, std::string_view line) {
  if (lost_) return;
  const std::string_view sign = direction == Direction::Sent ? " > " : direction == Direction::Received ? " < " : " - ";
  lost_ = !write_once(STDERR_FILENO, peer.text() + std::string(sign) + printable(line) + "\n", kNoteLimit);
}

void StderrTrace::secured(const Peer& peer, const TlsReport& report) {
  if (report.version.empty()) return;
  std::string text = report.version + " with " + report.cipher;
  if (!report.names.empty()) text += ", certificate of " + report.names.front() + " by " + report.issuer;
  dialogue(peer, Direction::Note, text);
}

}  // namespace relaypipe
