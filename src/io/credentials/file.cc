#include "io/credentials/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include "base/printable.h"
#include "io/base/error_text.h"
#include "io/base/unique_fd.h"

namespace relaypipe {
namespace {

constexpr std::string_view kCredentials = "${CREDENTIALS_DIRECTORY}";

/// The octets of an open file, into a buffer that never grows: what it left behind could not be wiped.
Result<Secret, std::string> read_whole(int fd, std::size_t size) {
  std::string buffer(size + 1, '\0');
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const ssize_t got = ::read(fd, buffer.data() + filled, buffer.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      Secret::wipe(buffer);
      return fail(fmt::format("cannot be read: {}", error_text(error)));
    }
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  const bool grown = filled > size;
  buffer.resize(std::min(filled, size));
  Secret secret(buffer);
  if (grown) return fail(std::string("has grown while it was read"));
  return secret;
}

Result<Secret, std::string> read_checked(const std::string& path, const FileReader& reader, std::size_t most,
                                         bool credential) {
  // Not to wait for a writer, should the name be a fifo.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat status {};
  if (file.get() < 0) return fail(fmt::format("cannot be opened: {}", error_text(errno)));
  // Asked of the descriptor: the name could mean another file by now.
  if (::fstat(file.get(), &status) != 0) return fail(fmt::format("cannot be looked at: {}", error_text(errno)));
  const bool sealed = (status.st_mode & S_IRWXO) != 0 && only_root_replaces(path);
  if (auto problem = secret_rights_problem(status, reader, credential, sealed)) return fail(*std::move(problem));
  if (static_cast<std::size_t>(status.st_size) > most) return fail(fmt::format("is larger than {} octets", most));
  return read_whole(file.get(), static_cast<std::size_t>(status.st_size));
}

constexpr mode_t kAnyWriter = S_IWUSR | S_IWGRP | S_IWOTH;

bool read_only_of_root(const struct stat& status) {
  return status.st_uid == 0 && (status.st_mode & (kAnyWriter | S_IXOTH)) == 0;
}

/// The directories above an absolute path: the root directory and those down to the last one.
bool all_of_root_above(std::string path) {
  while (!path.empty()) {
    path.erase(path.rfind('/'));
    struct stat status {};
    if (::stat(path.empty() ? "/" : path.c_str(), &status) != 0) return false;
    if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return false;
  }
  return true;
}

/// Cuts the line ends behind a secret.
Result<Secret, std::string> one_line(const Secret& text) {
  std::string_view line = text.reveal();
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
    line.remove_suffix(1);
  if (line.empty()) return fail(std::string("is empty"));
  if (line.find_first_of(std::string_view("\n\r\0", 3)) != line.npos) {
    return fail(std::string("holds more than one line"));
  }
  std::string copy(line);
  return Secret(copy);
}

}  // namespace

FileReader FileReader::self() {
  FileReader reader{::geteuid(), {::getegid()}, ::geteuid() == 0};
  std::vector<gid_t> more(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  const int count = ::getgroups(static_cast<int>(more.size()), more.data());
  if (count > 0) reader.groups.insert(reader.groups.end(), more.begin(), more.begin() + count);
  return reader;
}

std::optional<std::string> secret_rights_problem(const struct stat& status, const FileReader& reader, bool credential,
                                                 bool sealed) {
  const auto wrong = [](std::string_view what, std::string_view mode) {
    return fmt::format("{}; chmod {} it", what, mode);
  };
  if (S_ISDIR(status.st_mode)) return "is a directory; write the name of a file";
  if (!S_ISREG(status.st_mode)) return "is not a regular file";
  if (!reader.administrator && status.st_uid != 0 && status.st_uid != reader.user) {
    return fmt::format("belongs to user {}; chown it to root or to the user that delivers", status.st_uid);
  }
  if (sealed && read_only_of_root(status)) return std::nullopt;
  if ((status.st_mode & S_IRWXO) != 0) return wrong("may be read or written by everybody", "o-rwx");
  if (credential) return std::nullopt;
  if ((status.st_mode & S_IWGRP) != 0) return wrong("may be written by its group", "g-w");
  const bool own = std::find(reader.groups.begin(), reader.groups.end(), status.st_gid) != reader.groups.end();
  if ((status.st_mode & S_IRGRP) != 0 && !own && !reader.administrator) {
    return wrong(fmt::format("may be read by group {}, which is none of the user that delivers", status.st_gid), "g-r");
  }
  return std::nullopt;
}

bool only_root_replaces(const std::string& path) {
  if (path.empty() || path.front() != '/') return false;
  std::array<char, PATH_MAX> real{};
  if (::realpath(path.c_str(), real.data()) == nullptr) return false;
  return all_of_root_above(path) && all_of_root_above(real.data());
}

std::optional<std::string> secret_warning(const std::string& path) {
  const auto expanded = expand_secret_path(path);
  struct stat status {};
  if (!expanded || *expanded != path || ::stat(path.c_str(), &status) != 0) return std::nullopt;
  if ((status.st_mode & S_IROTH) == 0) return std::nullopt;
  return fmt::format("{} may be read by every user of this machine or container; where there are others, chmod o-r it",
                     printable(path));
}

Result<std::string, std::string> expand_secret_path(const std::string& path) {
  if (!path.starts_with(kCredentials)) return path;
  const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || *directory != '/') {
    return fail(
        fmt::format("{}: CREDENTIALS_DIRECTORY is not set in the environment; add it to import_environment and "
                    "export_environment in main.cf, and LoadCredential= to the unit of Postfix",
                    printable(path)));
  }
  return directory + path.substr(kCredentials.size());
}

Result<Secret, std::string> read_private_file(const std::string& path, const FileReader& reader, std::size_t most) {
  const auto expanded = expand_secret_path(path);
  if (!expanded) return fail(expanded.error());
  auto secret = read_checked(*expanded, reader, most, *expanded != path);
  if (!secret) return fail(fmt::format("{} {}", printable(path), secret.error()));
  return secret;
}

Result<Secret, std::string> read_secret_file(const std::string& path, const FileReader& reader) {
  const auto text = read_private_file(path, reader, kLongestSecret);
  if (!text) return fail(text.error());
  auto line = one_line(*text);
  if (!line) return fail(fmt::format("{} {}", printable(path), line.error()));
  return line;
}

void hide_memory() {
  const rlimit none{0, 0};
  // Both may fail only where nothing is to be had: the delivery goes on.
  static_cast<void>(::setrlimit(RLIMIT_CORE, &none));
  static_cast<void>(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
}

}  // namespace relaypipe
