#include "io/system/tool_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/printable.h"

namespace relaypipe {
namespace {

/// A transport table of half a million domains.
constexpr std::size_t kMostOutput = std::size_t{64} << 20U;

/// A pipe whose writing end goes to the child.
class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) ends_ = {-1, -1};
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  [[nodiscard]] int end(std::size_t which) const { return ends_.at(which); }
  void close_end(std::size_t which) {
    if (ends_.at(which) >= 0) ::close(ends_.at(which));
    ends_.at(which) = -1;
  }

 private:
  std::array<int, 2> ends_{};
};

std::string path_of(const std::string& name) {
  if (name.find('/') != name.npos) return name;
  const char* const path = std::getenv("PATH");
  std::string directories = fmt::format("{}:/usr/sbin:/usr/local/sbin:/sbin", path == nullptr ? "/usr/bin:/bin" : path);
  while (!directories.empty()) {
    const std::size_t end = directories.find(':');
    std::string file = directories.substr(0, end) + "/" + name;
    if (::access(file.c_str(), X_OK) == 0) return file;
    directories.erase(0, end == directories.npos ? end : end + 1);
  }
  return name;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  list.reserve(words.size() + 1);
  for (const std::string& word : words)
    list.push_back(const_cast<char*>(word.c_str()));  // posix_spawn(3) takes them so, and changes nothing
  list.push_back(nullptr);
  return list;
}

std::vector<std::string> environment() {
  std::vector<std::string> list{"LC_ALL=C"};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::strncmp(*variable, "LC_ALL=", 7) != 0) list.emplace_back(*variable);
  }
  return list;
}

int spawn(pid_t& pid, const std::vector<std::string>& argv, int out, int err) {
  const std::string path = path_of(argv.front());
  const std::vector<std::string> variables = environment();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  const int error =
      posix_spawn(&pid, path.c_str(), &actions, nullptr, pointers(argv).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

/// Reads both pipes to their ends. False when time or room ran out.
bool drain(Pipe& out, Pipe& err, ToolOutput& output, std::chrono::steady_clock::time_point ends) {
  std::array<char, 65536> part;
  while (out.end(0) >= 0 || err.end(0) >= 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(ends - std::chrono::steady_clock::now()).count();
    std::array<pollfd, 2> fds{{{out.end(0), POLLIN, 0}, {err.end(0), POLLIN, 0}}};
    if (left <= 0 || ::poll(fds.data(), fds.size(), static_cast<int>(left)) == 0) return false;
    for (std::size_t i = 0; i < fds.size(); ++i) {
      if (fds.at(i).revents == 0) continue;
      const ssize_t got = ::read(fds.at(i).fd, part.data(), part.size());
      std::string& text = i == 0 ? output.out : output.err;
      if (got > 0)
        text.append(part.data(), static_cast<std::size_t>(got));
      else if (got == 0 || errno != EINTR)
        (i == 0 ? out : err).close_end(0);
      if (text.size() > kMostOutput) return false;
    }
  }
  return true;
}

}  // namespace

Result<ToolOutput, std::string> run_tool(const std::vector<std::string>& argv, Duration limit) {
  const auto ends = std::chrono::steady_clock::now() + limit;
  const std::string name = printable(argv.front());
  Pipe out;
  Pipe err;
  if (out.end(0) < 0 || err.end(0) < 0) return fail(fmt::format("{}: {}", name, std::strerror(errno)));
  pid_t pid = -1;
  const int error = spawn(pid, argv, out.end(1), err.end(1));
  if (error != 0) return fail(fmt::format("{} cannot be started: {}", name, std::strerror(error)));
  out.close_end(1);
  err.close_end(1);
  ToolOutput output;
  const bool whole = drain(out, err, output, ends);
  if (!whole) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!whole) return fail(name + " did not end in time, or printed too much, and was killed");
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

}  // namespace relaypipe
