#include "io/own_program.h"

#include <unistd.h>

#include <array>
#include <climits>

namespace relaypipe {

std::string own_program() {
  std::array<char, PATH_MAX> path{};
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
  if (length <= 0) return "/usr/bin/relaypipe";
  return {path.data(), static_cast<std::size_t>(length)};
}

}  // namespace relaypipe
