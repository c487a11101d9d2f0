#include "io/system/change_hook.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "io/base/child_process.h"
#include "io/base/error_text.h"

namespace relaypipe {
namespace {

/// A file in memory that holds `input` and stands at its beginning; none, with errno, where there can be none.
UniqueFd file_with(std::string_view input) {
  UniqueFd file(memfd_create("change", MFD_CLOEXEC));
  if (!file) return file;
  const bool written = write(file.get(), input.data(), input.size()) == static_cast<ssize_t>(input.size());
  if (written && lseek(file.get(), 0, SEEK_SET) == 0) return file;
  return UniqueFd();
}

}  // namespace

std::string run_detached(const std::vector<std::string>& argv, std::string_view input) {
  if (argv.empty()) return "there is no program";
  const UniqueFd file = file_with(input);
  if (!file) return error_text(errno);
  ChildProcess child{argv.front(), argv, own_environment()};
  child.input = file.get();
  child.group = ChildProcess::Group::OwnSession;
  // Nobody waits for it: when this process ends, init does.
  const auto pid = child.start();
  return pid ? std::string() : error_text(pid.error());
}

void reap_detached() {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

}  // namespace relaypipe
