#include "io/system/change_hook.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace relaypipe {
namespace {

std::string system_text(int error) { return std::generic_category().message(error); }

/// A file in memory that holds `input` and stands at its beginning; -1 where there can be none.
int file_with(std::string_view input) {
  const int fd = memfd_create("change", MFD_CLOEXEC);
  if (fd < 0) return -1;
  const bool written = write(fd, input.data(), input.size()) == static_cast<ssize_t>(input.size());
  if (written && lseek(fd, 0, SEEK_SET) == 0) return fd;
  close(fd);
  return -1;
}

/// What the child begins with: three descriptors, no mask, and the signals as every program expects them.
class Birth {
 public:
  explicit Birth(int input) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t restored;
    sigemptyset(&restored);
    for (const int number : {SIGPIPE, SIGXFSZ})
      sigaddset(&restored, number);
    posix_spawnattr_setsigdefault(&attributes_, &restored);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~Birth() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  Birth(const Birth&) = delete;
  Birth& operator=(const Birth&) = delete;

  int spawn(const std::vector<std::string>& argv) {
    std::vector<char*> words;
    words.reserve(argv.size() + 1);
    for (const std::string& word : argv)
      words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    pid_t pid = 0;
    return posix_spawn(&pid, words[0], &actions_, &attributes_, words.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

}  // namespace

std::string run_detached(const std::vector<std::string>& argv, std::string_view input) {
  if (argv.empty()) return "there is no program";
  const int fd = file_with(input);
  if (fd < 0) return system_text(errno);
  // Nobody waits for it: when this process ends, init does.
  const int error = Birth(fd).spawn(argv);
  close(fd);
  return error == 0 ? std::string() : system_text(error);
}

}  // namespace relaypipe
