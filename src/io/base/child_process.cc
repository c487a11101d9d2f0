#include "io/base/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <array>

namespace relaypipe {
namespace {

/// The two forms in which posix_spawn(3) wants to be told.
class SpawnPlan {
 public:
  explicit SpawnPlan(const ChildProcess& child) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    give(child.input, STDIN_FILENO, O_RDONLY);
    give(child.output, STDOUT_FILENO, O_WRONLY);
    give(child.error, STDERR_FILENO, O_WRONLY);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    if (!child.directory.empty()) posix_spawn_file_actions_addchdir_np(&actions_, child.directory.c_str());
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, flags(child.group));
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  [[nodiscard]] const posix_spawn_file_actions_t* actions() const { return &actions_; }
  [[nodiscard]] const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  void give(int fd, int standard, int access) {
    if (fd >= 0)
      posix_spawn_file_actions_adddup2(&actions_, fd, standard);
    else
      posix_spawn_file_actions_addopen(&actions_, standard, "/dev/null", access, 0);
  }

  static short flags(ChildProcess::Group group) {
    const int apart = group == ChildProcess::Group::Own          ? POSIX_SPAWN_SETPGROUP
                      : group == ChildProcess::Group::OwnSession ? POSIX_SPAWN_SETSID
                                                                 : 0;
    return static_cast<short>(apart | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }

  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  list.reserve(words.size() + 1);
  for (const std::string& word : words)
    list.push_back(const_cast<char*>(word.c_str()));  // posix_spawn(3) takes them so, and changes nothing
  list.push_back(nullptr);
  return list;
}

}  // namespace

std::optional<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<pid_t, int> ChildProcess::start() const {
  const SpawnPlan plan(*this);
  pid_t pid = -1;
  const int code = posix_spawn(&pid, program.c_str(), plan.actions(), plan.attributes(), pointers(argv).data(),
                               pointers(environment).data());
  if (code != 0) return fail(code);
  return pid;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> list;
  for (char** variable = ::environ; variable != nullptr && *variable != nullptr; ++variable)
    list.emplace_back(*variable);
  return list;
}

}  // namespace relaypipe
