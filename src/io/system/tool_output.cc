#include "io/system/tool_output.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
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

/// A transport table of half a million domains.
constexpr std::size_t kMostOutput = std::size_t{64} << 20U;

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

/// Ours, but with texts that a program can read.
std::vector<std::string> environment() {
  std::vector<std::string> list = own_environment();
  std::erase_if(list, [](const std::string& variable) { return variable.starts_with("LC_ALL="); });
  list.emplace_back("LC_ALL=C");
  return list;
}

/// Reads both pipes to their ends. False when time or room ran out.
bool drain(UniqueFd& out, UniqueFd& err, ToolOutput& output, std::chrono::steady_clock::time_point ends) {
  std::array<char, 65536> part;
  while (out || err) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(ends - std::chrono::steady_clock::now()).count();
    std::array<pollfd, 2> fds{{{out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}}};
    if (left <= 0 || ::poll(fds.data(), fds.size(), static_cast<int>(left)) == 0) return false;
    for (std::size_t i = 0; i < fds.size(); ++i) {
      if (fds.at(i).revents == 0) continue;
      const ssize_t got = ::read(fds.at(i).fd, part.data(), part.size());
      std::string& text = i == 0 ? output.out : output.err;
      if (got > 0)
        text.append(part.data(), static_cast<std::size_t>(got));
      else if (got == 0 || errno != EINTR)
        (i == 0 ? out : err).reset();
      if (text.size() > kMostOutput) return false;
    }
  }
  return true;
}

}  // namespace

Result<ToolOutput, std::string> run_tool(const std::vector<std::string>& argv, Duration limit) {
  const auto ends = std::chrono::steady_clock::now() + limit;
  const std::string name = printable(argv.front());
  auto out = make_pipe();
  auto err = make_pipe();
  if (!out || !err) return fail(fmt::format("{}: {}", name, error_text(errno)));
  ChildProcess child{path_of(argv.front()), argv, environment()};
  child.output = out->writer.get();
  child.error = err->writer.get();
  const auto pid = child.start();
  if (!pid) return fail(fmt::format("{} cannot be started: {}", name, error_text(pid.error())));
  out->writer.reset();
  err->writer.reset();
  ToolOutput output;
  const bool whole = drain(out->reader, err->reader, output, ends);
  if (!whole) ::kill(*pid, SIGKILL);
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!whole) return fail(name + " did not end in time, or printed too much, and was killed");
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

}  // namespace relaypipe
