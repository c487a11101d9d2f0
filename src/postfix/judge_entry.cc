#include "postfix/judge_entry.h"

#include <fmt/format.h>

#include "base/printable.h"
#include "postfix/text.h"

namespace relaypipe {
namespace {

using Severity = PostfixFinding::Severity;

}  // namespace

std::vector<PostfixFinding> judge_columns(const MasterService& service, const std::string& postconf,
                                          std::uint64_t compatibility) {
  std::vector<PostfixFinding> findings;
  const auto add = [&](std::string text, const std::string& column) {
    findings.push_back({Severity::Error, service.key(), std::move(text),
                        fmt::format("{} -F {}", postconf, shell_word(service.key() + "/" + column))});
  };
  if (service.unprivileged != "n") {
    const std::string_view daemon = service.command.empty() ? std::string_view() : service.command.front();
    add(fmt::format("unpriv is {} and has to be n: {}(8) does not start, all mail waits", service.unprivileged, daemon),
        "unprivileged=n");
  }
  const bool by_default = service.chroot == "-" && compatibility < 1;
  if (service.chroot != "n" && (service.chroot != "-" || by_default)) {
    add(fmt::format("chroot is {}{} and has to be n: the program, its certificates and resolv.conf are looked for in "
                    "the queue directory",
                    service.chroot, by_default ? ", which means y below compatibility_level 1," : ""),
        "chroot=n");
  }
  return findings;
}

std::optional<UserProblem> judge_user(std::string_view daemon, const std::string& written,
                                      const std::optional<PipeUser>& user, const std::optional<PostfixOwner>& owner) {
  if (written.empty()) {
    return UserProblem{fmt::format("user is missing: {} does not start, all mail waits", daemon), "", true};
  }
  if (!user) {
    return UserProblem{
        fmt::format("user={}: this machine has no such user or group; all mail waits", printable(written)),
        written == "relaypipe" ? "adduser --system --group --no-create-home --home /var/lib/relaypipe relaypipe" : ""};
  }
  if (user->uid == 0 || user->gid == 0) {
    return UserProblem{fmt::format("user={}: {} refuses to run it as root", printable(written), daemon), "", true};
  }
  if (owner && (user->uid == owner->uid || user->gid == owner->gid || user->gid == owner->setgid_gid)) {
    return UserProblem{
        fmt::format("user={}: {} refuses to run it as Postfix's own user or group", printable(written), daemon), "",
        true};
  }
  return std::nullopt;
}

}  // namespace relaypipe
