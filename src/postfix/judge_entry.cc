#include "postfix/judge_entry.h"

#include <fmt/format.h>

#include "base/printable.h"
#include "config/ehlo_name.h"
#include "relay/host.h"

namespace relaypipe {
namespace {

using Severity = PostfixFinding::Severity;

/// Puts `-o name=value` before what argv says itself: behind the program, and the name of the command.
void add_setting(PipeCommand& command, const std::string& name, const std::string& value) {
  if (command.argv.empty()) return;
  const auto place = command.argv.begin() + (runs_lmtp(command) ? 2 : 1);
  command.argv.insert(place, {"-o", name + "=" + value});
}

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

std::vector<std::string> judge_misplaced(const std::vector<PostfixPair>& misplaced, PipeCommand& fixed) {
  std::vector<std::string> texts;
  for (const PostfixPair& setting : misplaced) {
    texts.push_back(
        fmt::format("-o {} stands before argv=, where nobody reads it: a setting of relaypipe belongs into "
                    "argv, or into its configuration file",
                    printable(setting.name)));
    fixed.drop_option(setting.name);
    add_setting(fixed, setting.name, setting.value);
  }
  return texts;
}

std::optional<EhloNameProblem> judge_ehlo_name(const EntryFacts& facts, PipeCommand& fixed) {
  const std::string& own = facts.ehlo_name;
  const std::string& postfix = facts.postfix_name;
  const auto problem = ehlo_name_problem(own);
  if (own.empty() || (lower(own) == lower(postfix) && !problem)) return std::nullopt;
  if (postfix.empty() || ehlo_name_problem(postfix)) {
    // Postfix has no better one: myhostname was never set.
    if (!problem) return std::nullopt;
    return EhloNameProblem{*problem + "; and set myhostname of main.cf"};
  }
  add_setting(fixed, "hostname", postfix);
  return EhloNameProblem{
      fmt::format("the EHLO name is {}, that of smtp(8) is {}: relays may refuse a name they do not know; "
                  "in the configuration file, hostname = \"{}\" in [defaults]",
                  printable(own), printable(postfix), printable(postfix)),
      true};
}

}  // namespace relaypipe
