#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "postfix/finding.h"
#include "postfix/master.h"
#include "postfix/text.h"

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

/// What holds for a service of either and does not stand in its line of master.cf.
struct EntryFacts {
  std::string postconf = "postconf";   ///< as a person would call it, with `-c DIRECTORY` where one was named
  std::uint64_t compatibility = 0;     ///< the major number of compatibility_level
  Duration deadline{};                 ///< of a delivery by this service: configuration and argv
  std::string time_limit;              ///< of a process, the value that pipe(8) or spawn(8) uses
  std::vector<PostfixPair> misplaced;  ///< settings of relaypipe among the `-o` of the service itself
  std::string ehlo_name;               ///< ours, where it is the machine's and none is configured; empty: no question
  std::string postfix_name;            ///< what smtp(8) says in EHLO
  std::optional<PipeUser> user;        ///< nothing where the machine has no such user or group
  std::optional<PostfixOwner> owner;   ///< nothing where the machine has none
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

/// `-o password_map=...` before argv is a parameter that Postfix does not have, and relaypipe does not see. A text for
/// each; in `fixed` they are moved into argv.
std::vector<std::string> judge_misplaced(const std::vector<PostfixPair>& misplaced, PipeCommand& fixed);

/// What is wrong with the name that relays are told.
struct EhloNameProblem {
  std::string text;
  bool in_command = false;  ///< `-o hostname=` puts it right, which stands in `fixed` then
};
/// Relays know this host by the name that smtp(8) gave them.
std::optional<EhloNameProblem> judge_ehlo_name(const EntryFacts& facts, PipeCommand& fixed);

}  // namespace relaypipe
