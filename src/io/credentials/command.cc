#include "io/credentials/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/printable.h"
#include "io/base/child_process.h"
#include "io/base/error_text.h"

namespace relaypipe {
namespace {

constexpr std::size_t kMostOutput = 16384;
/// How often the end of the process is looked for where the kernel has no descriptor for it (before 5.3).
constexpr auto kLook = std::chrono::milliseconds(20);

std::vector<std::string> environment() {
  std::vector<std::string> list{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"};
  if (const char* const directory = std::getenv("CREDENTIALS_DIRECTORY"); directory != nullptr) {
    list.push_back(std::string("CREDENTIALS_DIRECTORY=") + directory);
  }
  return list;
}

/// The path of the program for a message. What somebody wrote behind it in the same word, for a shell that there is
/// not, may be the secret itself.
std::string program_name(const std::string& word) {
  const std::size_t end = word.find_first_of(" \t");
  return printable(word.substr(0, end)) + (end == word.npos ? "" : " ... (arguments are words of their own)");
}

}  // namespace

AccountCommand::AccountCommand(const std::vector<std::string>& argv, Instant ends, Wanted wanted)
    : program_(program_name(argv.front())), ends_(ends), wanted_(wanted) {
  text_.reserve(kMostOutput + 1);
  spawn(argv);
}

AccountCommand::~AccountCommand() {
  kill_group();
  Secret::wipe(text_);
}

void AccountCommand::spawn(const std::vector<std::string>& argv) {
  auto pipe = make_pipe();
  if (!pipe) {
    trouble_ = error_text(errno);
    return;
  }
  // Ours alone does not block: a command that prints more than a pipe holds would lose it.
  ::fcntl(pipe->reader.get(), F_SETFL, O_NONBLOCK);
  output_ = std::move(pipe->reader);
  ChildProcess child{argv.front(), argv, environment()};
  child.output = pipe->writer.get();
  child.group = ChildProcess::Group::Own;
  child.directory = "/";
  const auto pid = child.start();
  if (!pid) {
    trouble_ = fmt::format("cannot be started: {}", error_text(pid.error()));
    return;
  }
  pid_ = *pid;
  exit_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
}

Instant AccountCommand::interests(std::vector<pollfd>& fds, Instant now) {
  if (pid_ < 0) return now;
  if (output_) fds.push_back({output_.get(), POLLIN, 0});
  if (exit_) fds.push_back({exit_.get(), POLLIN, 0});
  return exit_ ? ends_ : std::min<Instant>(ends_, now + kLook);
}

std::optional<Result<Secret, std::string>> AccountCommand::serve(Instant now) {
  if (!trouble_.empty()) return result();
  // First the process, then the pipe: what it printed before its end is in there.
  const bool over = ended();
  read();
  if (trouble_.empty() && !over && now < ends_) return std::nullopt;
  if (trouble_.empty() && !over) trouble_ = "did not end in time and was killed";
  kill_group();
  return result();
}

void AccountCommand::read() {
  std::array<char, 4096> part;
  while (output_ && trouble_.empty()) {
    const ssize_t got = ::read(output_.get(), part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) {
      output_.reset();
    } else if (text_.size() + static_cast<std::size_t>(got) > kMostOutput) {
      trouble_ = fmt::format("printed more than {} octets", kMostOutput);
    } else {
      text_.append(part.data(), static_cast<std::size_t>(got));
    }
  }
  volatile char* const octets = part.data();
  for (std::size_t i = 0; i < part.size(); ++i)
    octets[i] = '\0';
}

/// Whether the process has ended; it is reaped then.
bool AccountCommand::ended() {
  if (pid_ < 0) return true;
  if (::waitpid(pid_, &status_, WNOHANG) != pid_) return false;
  pid_ = -1;
  return true;
}

Result<Secret, std::string> AccountCommand::result() {
  const auto wrong = [&](std::string_view what) { return fail(fmt::format("{} {}", program_, what)); };
  if (!trouble_.empty()) return wrong(trouble_);
  if (WIFSIGNALED(status_)) return wrong(fmt::format("ended by signal {}", WTERMSIG(status_)));
  if (WEXITSTATUS(status_) != 0) return wrong(fmt::format("ended with exit status {}", WEXITSTATUS(status_)));
  std::string_view line = text_;
  if (wanted_ == Wanted::FirstLine) line = line.substr(0, line.find('\n'));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.empty()) return wrong("printed no secret in its first line");
  if (line.find('\0') != line.npos) return wrong("printed a NUL");
  std::string copy(line);
  return Secret(copy);
}

/// What still runs, with all it started, must not outlive the delivery.
void AccountCommand::kill_group() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  int status = 0;
  // It dies now; should it be stuck in the kernel, init reaps it after us.
  ::waitpid(pid_, &status, WNOHANG);
  pid_ = -1;
}

}  // namespace relaypipe
