#include "io/process_life.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace relaypipe {
namespace {

/// The beginning of a small file of /proc; empty where it cannot be read.
std::string read_proc(const char* file) {
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::array<char, 1024> buffer;
  const ssize_t count = read(fd, buffer.data(), buffer.size());
  close(fd);
  return count > 0 ? std::string(buffer.data(), static_cast<std::size_t>(count)) : std::string();
}

struct Stat {
  char state = 'X';
  std::uint64_t start = 0;
};

/// Fields 3 and 22 of /proc/PID/stat (proc(5)). The second is a name in parentheses that may hold anything.
Stat parse_stat(std::string_view text) {
  Stat stat;
  const std::size_t name_end = text.rfind(')');
  if (name_end == text.npos || name_end + 2 >= text.size()) return stat;
  std::string_view rest = text.substr(name_end + 2);
  const char state = rest.front();
  for (int field = 3; field < 22; ++field) {
    const std::size_t blank = rest.find(' ');
    if (blank == rest.npos) return stat;
    rest.remove_prefix(blank + 1);
  }
  std::uint64_t start = 0;
  if (std::from_chars(rest.data(), rest.data() + rest.size(), start).ec != std::errc()) return stat;
  return {state, start};
}

}  // namespace

std::uint64_t ProcessLife::boot() {
  if (boot_ == 0) boot_ = hash_octets(read_proc("/proc/sys/kernel/random/boot_id"));
  return boot_;
}

Owner ProcessLife::self() {
  const Stat stat = parse_stat(read_proc("/proc/self/stat"));
  if (stat.start == 0) return {};
  return {static_cast<std::uint32_t>(getpid()), stat.start, boot()};
}

bool ProcessLife::alive(const Owner& owner) {
  if (owner.pid == 0 || owner.boot != boot()) return false;
  const Stat stat = parse_stat(read_proc(fmt::format("/proc/{}/stat", owner.pid).c_str()));
  return stat.start == owner.start && stat.state != 'Z' && stat.state != 'X';
}

}  // namespace relaypipe
