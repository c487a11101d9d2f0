#include "io/state/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "io/base/error_text.h"

namespace relaypipe {
namespace {

constexpr int kOpenFlags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;

Failure<std::string> failure(const std::string& path, int error) {
  return fail(fmt::format("{}: {}", path, error_text(error)));
}

Failure<std::string> not_ours(const std::string& path, const struct stat& status) {
  return fail(fmt::format("{} belongs to user {}, and this process runs as user {}: chown it to the user that delivers",
                          path, status.st_uid, geteuid()));
}

Result<UniqueFd, std::string> make(const std::string& directory, const std::string& path) {
  struct stat status {};
  if (stat(directory.c_str(), &status) != 0) return failure(path, errno);
  const bool foreign = status.st_uid != geteuid() && geteuid() != 0 && status.st_uid != 0;
  if (foreign) return not_ours(directory, status);
  UniqueFd made(open(path.c_str(), kOpenFlags | O_CREAT, 0600));
  if (!made) return failure(path, errno);
  return made;
}

/// Root gives what is its own to the owner of the directory.
bool give_away(int fd, const std::string& directory, const struct stat& status) {
  struct stat above {};
  if (geteuid() != 0 || stat(directory.c_str(), &above) != 0 || above.st_uid == status.st_uid) return true;
  return status.st_uid != 0 || fchown(fd, above.st_uid, above.st_gid) == 0;
}

}  // namespace

Result<UniqueFd, std::string> open_state_file(const std::string& directory, const std::string& name) {
  const std::string path = directory + "/" + name;
  UniqueFd file(open(path.c_str(), kOpenFlags));
  struct stat status {};
  if (!file && errno == ENOENT) {
    auto made = make(directory, path);
    if (!made) return made;
    file = *std::move(made);
  }
  if (!file) {
    const int error = errno;
    const bool foreign = error == EACCES && lstat(path.c_str(), &status) == 0 && status.st_uid != geteuid();
    return foreign ? not_ours(path, status) : failure(path, error);
  }
  if (fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) && give_away(file.get(), directory, status))
    return file;
  return failure(path, S_ISREG(status.st_mode) ? errno : EINVAL);
}

}  // namespace relaypipe
