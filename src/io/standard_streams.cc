#include "io/standard_streams.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/printable.h"

namespace relaypipe {
namespace {

void write_once(int fd, std::string_view text) {
  // A result that nobody takes is no reason to change the exit status.
  [[maybe_unused]] const ssize_t written = write(fd, text.data(), text.size());
}

}  // namespace

void occupy_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // open(2) gives the lowest free number, which is this one, as the lower ones are taken. Write-only, standard input
    // too: reading a message that nobody gave us has to fail, where an empty file would be an empty message.
    if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_WRONLY) != fd) _exit(75);
  }
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

void write_progress(std::string_view line) {
  constexpr std::size_t kColumns = 79;
  write_once(STDERR_FILENO, "\r\033[K" + std::string(clip(line, kColumns)));
}

void write_result(std::string_view line) { write_once(STDOUT_FILENO, line); }

void write_text(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(STDOUT_FILENO, text.data(), text.size());
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

void StderrTrace::dialogue(const Where& where, Direction direction, std::string_view line) {
  const std::string_view sign = direction == Direction::Sent ? " > " : direction == Direction::Received ? " < " : " - ";
  write_once(STDERR_FILENO, where.text() + std::string(sign) + printable(line) + "\n");
}

}  // namespace relaypipe
