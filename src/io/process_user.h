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

/// Makes root this user for the rest of the process: what is written then has the right owner from the first moment,
/// and what this user may not read shows itself. Nothing happens for whom is this user already. The error is a phrase.
Result<bool, std::string> become(const SystemUser& user);

}  // namespace relaypipe
