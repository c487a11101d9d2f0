#include "io/system/own_program.h"

#include <unistd.h>

#include <array>
#include <climits>
#include <string_view>

namespace relaypipe {
namespace {

/// Where this program is, from the directory it shares with the launcher, whose own place is one of the two behind it.
constexpr std::string_view kPlace = "/libexec/relaypipe/relaypipe";
constexpr std::array<std::string_view, 2> kLaunchers{"/bin/relaypipe", "/relaypipe"};

}  // namespace

std::string own_program() {
  std::array<char, PATH_MAX> path{};
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
  if (length <= 0) return "/usr/bin/relaypipe";
  const std::string_view program(path.data(), static_cast<std::size_t>(length));
  if (!program.ends_with(kPlace)) return std::string(program);
  const std::string directory(program.substr(0, program.size() - kPlace.size()));
  for (const std::string_view launcher : kLaunchers) {
    std::string candidate = directory + std::string(launcher);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::string(program);
}

}  // namespace relaypipe
