#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postfix/finding.h"
#include "postfix/master.h"

namespace relaypipe {

/// A user of this machine, as pipe(8) or spawn(8) would become it.
struct PipeUser {
  std::string name;
  std::string group;  ///< the name of `gid`, or its number
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;  ///< the only group: they give no supplementary ones
};

/// Whom they refuse to become, beside root: the owner of the queue, and the group of postdrop(1).
struct PostfixOwner {
  std::string name;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t setgid_gid = 0;
};

/// What pipe(8) and spawn(8) alike need of the columns of their service. `postconf`: as a person would call it;
/// `compatibility`: the major number of compatibility_level.
std::vector<PostfixFinding> judge_columns(const MasterService& service, const std::string& postconf,
                                          std::uint64_t compatibility);

/// Why a service cannot run its program as its user.
struct UserProblem {
  std::string text;
  /// Makes the account; empty: the command has to name another user.
  std::string fix;
  bool in_command = false;  ///< `user=relaypipe` puts it right
};

/// `written`: the attribute; `user`: whom it names, nothing where this machine has no such user or group; `daemon`:
/// `pipe(8)` or `spawn(8)`.
std::optional<UserProblem> judge_user(std::string_view daemon, const std::string& written,
                                      const std::optional<PipeUser>& user, const std::optional<PostfixOwner>& owner);

}  // namespace relaypipe
