#include "command/doctor/user.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string_view>

#include "base/printable.h"
#include "command/check/check_files.h"
#include "command/check/check_machine.h"
#include "config/check_reach.h"
#include "io/base/error_text.h"
#include "io/credentials/file.h"
#include "io/pcre_matcher.h"
#include "io/system/own_program.h"
#include "io/system/user_view.h"
#include "postfix/text.h"
#include "verdict/check_rules.h"

namespace relaypipe {
namespace {

using Severity = PostfixFinding::Severity;

// Findings on their way from the process that became the user: fields, each with its end. The texts are printable.
constexpr char kEnd = '\x1f';

std::string pack(const std::vector<PostfixFinding>& findings) {
  std::string packed;
  for (const PostfixFinding& finding : findings) {
    packed += finding.severity == Severity::Error ? 'e' : 'w';
    for (const std::string* const field : {&finding.where, &finding.text, &finding.fix})
      packed += *field + kEnd;
  }
  return packed;
}

std::vector<PostfixFinding> unpack(std::string_view packed) {
  std::vector<PostfixFinding> findings;
  while (!packed.empty()) {
    PostfixFinding finding;
    finding.severity = packed.front() == 'e' ? Severity::Error : Severity::Warning;
    packed.remove_prefix(1);
    for (std::string* const field : {&finding.where, &finding.text, &finding.fix}) {
      const std::size_t end = std::min(packed.find(kEnd), packed.size());
      *field = packed.substr(0, end);
      packed.remove_prefix(std::min(end + 1, packed.size()));
    }
    findings.push_back(std::move(finding));
  }
  return findings;
}

/// What a finding says of a problem of the configuration; how bad it is stands in the finding.
std::string placed(const ConfigProblem& problem) {
  const std::string place = position_text(problem.at);
  return place.empty() ? problem.text : fmt::format("{}: {}", printable(place), problem.text);
}

class UserView {
 public:
  /// `with_own_program` is the line that puts the running program into argv.
  UserView(const PipeUser& user, const AgentService& agent, std::string with_own_program)
      : user_(user), agent_(agent), with_own_program_(std::move(with_own_program)) {}

  /// Runs as the user.
  std::vector<PostfixFinding> look() {
    look_at_program();
    look_at_configuration();
    look_at_state();
    return std::move(findings_);
  }

 private:
  void add(Severity severity, std::string text, std::string fix = "") {
    findings_.push_back({severity, agent_.service.key(), std::move(text), std::move(fix)});
  }

  /// Where execvp(3) finds it: pipe(8) and spawn(8) set PATH to the default of the C library.
  [[nodiscard]] std::string program() const {
    std::string name = without_braces(agent_.command.argv.front());
    if (name.find('/') != name.npos) return name;
    return access(("/usr/bin/" + name).c_str(), X_OK) == 0 ? "/usr/bin/" + name : "/bin/" + name;
  }

  void look_at_program() {
    const std::string file = program();
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) {
      const int error = errno;
      return add(Severity::Error, fmt::format("{}: {}; all mail waits", printable(file), error_text(error)),
                 error == ENOENT ? with_own_program_ : "");
    }
    if (!S_ISREG(status.st_mode) || ::access(file.c_str(), X_OK) != 0) {
      return add(Severity::Error,
                 fmt::format("{} cannot be run by {}; all mail waits", printable(file), printable(user_.name)),
                 fmt::format("chmod a+rx {}", shell_word(file)));
    }
    std::array<char, 4> magic{};
    std::ifstream(file).read(magic.data(), 4);
    const std::string_view begin(magic.data(), 4);
    if (begin ==
            "\x7f"
            "ELF" ||
        begin.substr(0, 2) == "#!")
      return;
    if (::access(file.c_str(), R_OK) != 0) return;
    add(Severity::Error, fmt::format("{} is not a program: {} runs it as a shell script, and {}", printable(file),
                                     agent_.daemon(), agent_.lmtp ? "all mail waits" : "mail may get lost"));
  }

  void look_at_configuration() {
    LoadedConfiguration loaded = load(agent_.arguments);
    std::optional<ConfigProblem> log;
    // Without it there is nothing to say of what it names.
    const bool closed = unreadable(loaded.file);
    if (!closed) {
      PcreMatcher matcher;
      check_patterns(loaded.configuration, matcher, loaded.problems);
      if (first_error(loaded.problems) == nullptr) find_unreachable(loaded.configuration, loaded.problems);
      check_machine(loaded);
      log = find_log_problem(loaded);
      look_at_secrets(loaded.configuration);
      check_files(loaded, unreadable_);
    }
    sort_problems(loaded.problems);
    for (const ConfigProblem& problem : loaded.problems) {
      // That the file itself cannot be opened is told already.
      if (closed && problem.at.file == loaded.file && problem.at.line == 0) continue;
      const bool error = problem.severity == ConfigProblem::Severity::Error;
      add(error ? Severity::Error : Severity::Warning, placed(problem));
    }
    if (log) add(Severity::Warning, placed(*log), log_fix(loaded));
  }

  /// Makes a file that the user may append its lines to, and names it in the configuration where that does not.
  [[nodiscard]] std::string log_fix(const LoadedConfiguration& loaded) const {
    const std::string& named = loaded.configuration.run.log_file;
    // What is below these is not made by install(1).
    if (named.starts_with("/dev/") || named.starts_with("/proc/")) return "";
    const std::string file = named.empty() ? "/var/log/relaypipe.log" : named;
    std::string fix = fmt::format("install -o {} -g {} -m 0640 /dev/null {}", shell_word(user_.name),
                                  shell_word(user_.group), shell_word(file));
    if (!named.empty()) return fix;
    const std::string line = fmt::format("log_file = \"{}\"", file);
    std::error_code absent;
    const bool empty = std::filesystem::file_size(loaded.file, absent) == 0 || absent;
    // A key of the whole file stands before all tables.
    return fix + (empty ? fmt::format(" && echo {} >> {}", shell_word(line), shell_word(loaded.file))
                        : fmt::format(" && sed -i {} {}", shell_word("1i " + line), shell_word(loaded.file)));
  }

  /// Says so where a file is there and the user may not read it.
  bool unreadable(const std::string& written) {
    const auto file = expand_secret_path(written);
    if (!file || file->empty() || ::access(file->c_str(), R_OK) == 0 || errno != EACCES) return false;
    unreadable_.insert(written);
    const std::string closed = closed_directory(*file);
    if (!closed.empty()) {
      add(Severity::Error,
          fmt::format("{} cannot be reached by {}: the directory {} lets neither it nor its group {} through",
                      printable(*file), printable(user_.name), printable(closed), printable(user_.group)),
          fmt::format("chgrp {0} {1} && chmod g+x {1}", shell_word(user_.group), shell_word(closed)));
      return true;
    }
    add(Severity::Error,
        fmt::format("{} cannot be read by {}, whose only group under {} is {}", printable(*file), printable(user_.name),
                    agent_.daemon(), printable(user_.group)),
        fmt::format("chgrp {0} {1} && chmod g+r,o-rwx {1}", shell_word(user_.group), shell_word(*file)));
    return true;
  }

  /// The uppermost directory above the file that the user may not pass; empty where it may reach the file.
  static std::string closed_directory(const std::string& file) {
    for (std::size_t end = file.find('/', 1); end != file.npos; end = file.find('/', end + 1)) {
      std::string directory = file.substr(0, end);
      if (::access(directory.c_str(), X_OK) != 0 && errno == EACCES) return directory;
    }
    return "";
  }

  void look_at_secrets(const Configuration& configuration) {
    unreadable(configuration.relay_defaults.password_map);
    unreadable(configuration.relay_defaults.tls_more.key_file);
    if (configuration.fleet) unreadable(configuration.fleet->password_file);
    for (const auto& [name, relay] : configuration.relays) {
      const AccountConfig& account = relay.account;
      unreadable(account.password_file);
      if (account.password_map != configuration.relay_defaults.password_map) unreadable(account.password_map);
      if (relay.settings.tls_more.key_file != configuration.relay_defaults.tls_more.key_file)
        unreadable(relay.settings.tls_more.key_file);
      if (!account.oauth2) continue;
      for (const std::string& file :
           {account.oauth2->token_file, account.oauth2->client_secret_file, account.oauth2->refresh_token_file})
        unreadable(file);
    }
  }

  void look_at_state() {
    const std::string& directory = agent_.loaded.configuration.run.state_directory;
    const int error = ::access(directory.c_str(), W_OK | X_OK) == 0 ? first_error_below(directory) : errno;
    if (error == 0) return look_at_room(directory);
    const std::string owner = shell_word(user_.name + ":" + user_.group);
    add(Severity::Warning,
        fmt::format("state_directory {}: {}; nothing is remembered between deliveries", printable(directory),
                    error_text(error)),
        error == ENOENT ? fmt::format("install -d -o {} -g {} -m 0700 {}", shell_word(user_.name),
                                      shell_word(user_.group), shell_word(directory))
                        : fmt::format("chown -R {0} {1} && chmod 0700 {1}", owner, shell_word(directory)));
  }

  /// A full file system is met by every delivery, and each goes on without its state.
  void look_at_room(const std::string& directory) {
    struct statvfs room {};
    if (::statvfs(directory.c_str(), &room) != 0) return;
    // Some file systems count no inodes at all.
    const bool no_inode = room.f_files != 0 && room.f_favail == 0;
    if (room.f_bavail != 0 && !no_inode) return;
    add(Severity::Warning,
        fmt::format(
            "state_directory {}: its file system has no {} left for {}; nothing is remembered between deliveries",
            printable(directory), no_inode ? "inode" : "room", printable(user_.name)));
  }

  /// Why something below the directory cannot be written, such as what a command of root's has left there; or 0.
  static int first_error_below(const std::string& directory) {
    std::error_code ended;
    for (std::filesystem::recursive_directory_iterator entry(directory, ended), none; entry != none && !ended;
         entry.increment(ended)) {
      if (::access(entry->path().c_str(), W_OK) != 0) return errno;
    }
    return ended.value();
  }

  const PipeUser& user_;
  const AgentService& agent_;
  std::string with_own_program_;
  std::vector<PostfixFinding> findings_;
  std::set<std::string> unreadable_;  ///< files as they are written, told already
};

}  // namespace

std::vector<PostfixFinding> examine_as(const PipeUser& user, const AgentService& agent, const std::string& postconf) {
  // Before it becomes the user, which may not be told.
  PipeCommand command = agent.command;
  command.argv.front() = own_program();
  const std::string line =
      fmt::format("{} -F {}", postconf, shell_word(agent.service.key() + "/command=" + command.text()));
  const auto seen = seen_by(user, [&] { return pack(UserView(user, agent, line).look()); });
  if (seen) return unpack(*seen);
  return {{PostfixFinding::Severity::Warning, agent.service.key(), "its user was not looked at: " + seen.error(), ""}};
}

}  // namespace relaypipe
