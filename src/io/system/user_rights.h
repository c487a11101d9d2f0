#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace relaypipe {

/// A user of this machine.
struct SystemUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;  ///< or the number, where it has no name

  [[nodiscard]] bool root() const { return uid == 0; }
};

/// Whom a directory belongs to. The error is a phrase that begins with the directory.
Result<SystemUser, std::string> owner_of(const std::string& directory);

/// The user of that number, with its primary group. `gid`: its group where the machine has no such user.
SystemUser system_user(uid_t uid, gid_t gid);

/// Makes root this user for the rest of the process, with this one group and no other, as pipe(8) does: what works by
/// hand then works in a delivery. False, with errno, where that cannot be; the process must end then.
[[nodiscard]] bool become(uid_t uid, gid_t gid);

}  // namespace relaypipe
