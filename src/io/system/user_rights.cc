#include "io/system/user_rights.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/printable.h"
#include "io/base/error_text.h"

namespace relaypipe {

Result<SystemUser, std::string> owner_of(const std::string& directory) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0)
    return fail(fmt::format("{}: {}", printable(directory), error_text(errno)));
  if (!S_ISDIR(status.st_mode)) return fail(printable(directory) + " is not a directory");
  return system_user(status.st_uid, status.st_gid);
}

SystemUser system_user(uid_t uid, gid_t gid) {
  SystemUser user{uid, gid, std::to_string(uid)};
  if (const passwd* const entry = ::getpwuid(uid); entry != nullptr) {
    user.name = entry->pw_name;
    user.gid = entry->pw_gid;
  }
  return user;
}

bool become(uid_t uid, gid_t gid) { return ::setgroups(1, &gid) == 0 && ::setgid(gid) == 0 && ::setuid(uid) == 0; }

}  // namespace relaypipe
