#include "io/process_user.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/printable.h"

namespace relaypipe {

Result<SystemUser, std::string> owner_of(const std::string& directory) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0)
    return fail(fmt::format("{}: {}", printable(directory), std::generic_category().message(errno)));
  if (!S_ISDIR(status.st_mode)) return fail(printable(directory) + " is no directory");
  SystemUser user{status.st_uid, status.st_gid, std::to_string(status.st_uid)};
  if (const passwd* const entry = ::getpwuid(status.st_uid); entry != nullptr) {
    user.name = entry->pw_name;
    user.gid = entry->pw_gid;
  }
  return user;
}

Result<bool, std::string> become(const SystemUser& user) {
  if (::geteuid() == user.uid) return false;
  if (::geteuid() != 0) return fail("this has to run as root" + (user.root() ? "" : " or as " + user.name));
  const bool named = ::getpwuid(user.uid) != nullptr;
  const bool groups = named ? ::initgroups(user.name.c_str(), user.gid) == 0 : ::setgroups(0, nullptr) == 0;
  if (!groups || ::setgid(user.gid) != 0 || ::setuid(user.uid) != 0)
    return fail(fmt::format("cannot become {}: {}", user.name, std::generic_category().message(errno)));
  return true;
}

}  // namespace relaypipe
