#include "command/wiring/deliverer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>

#include "base/printable.h"
#include "command/wiring/postfix_tools.h"
#include "io/base/error_text.h"
#include "io/system/user_rights.h"
#include "io/system/user_view.h"
#include "io/toml_config.h"
#include "postfix/agent_argv.h"

namespace relaypipe {
namespace {

/// Whether master.cf mentions us at all: postconf(1) need not run where it does not.
bool master_names_relaypipe() {
  const char* const directory = std::getenv("MAIL_CONFIG");
  std::ifstream file(std::string(directory == nullptr ? "/etc/postfix" : directory) + "/master.cf");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return text.find("relaypipe") != text.npos;
}

/// The user of the first pipe(8) service that runs relaypipe with this configuration file.
std::optional<SystemUser> user_of_master(const std::string& config) {
  if (!master_names_relaypipe()) return std::nullopt;
  const auto services = PostfixTools("").services();
  if (!services) return std::nullopt;
  for (const MasterService& service : *services) {
    const auto command = parse_pipe_command(service);
    if (!command || !runs_relaypipe(*command)) continue;
    const AgentArgv argv = parse_agent_argv(command->argv);
    const AgentArgv::Option* const file = argv.find("--config");
    if ((file == nullptr ? kDefaultConfigFile : without_braces(file->value)) != config) continue;
    const auto user = find_pipe_user(command->attribute("user").value_or(""));
    if (user && user->uid != 0) return SystemUser{user->uid, user->gid, user->name};
  }
  return std::nullopt;
}

/// The user that deliveries run as, as far as this machine tells; nothing where that would be root.
std::optional<SystemUser> find_deliverer(const CommonArguments& arguments) {
  const auto owner = owner_of(load(arguments, ConfigOwners::Any).configuration.run.state_directory);
  if (owner && !owner->root()) return *owner;
  return user_of_master(arguments.config.value_or(kDefaultConfigFile));
}

/// Who was refused a file is part of what is wrong: root may read everything.
void name_reader(LoadedConfiguration& loaded) {
  for (ConfigProblem& problem : loaded.problems) {
    const bool of_the_file = problem.at.line == 0 && !problem.at.file.empty();
    const bool denied = of_the_file && ::access(problem.at.file.c_str(), R_OK) != 0 && errno == EACCES;
    if (denied) problem.text += fmt::format(" (as {})", loaded.acting_as);
  }
}

}  // namespace

LoadedConfiguration load_as_deliverer(const CommonArguments& arguments) {
  if (::geteuid() != 0) return load(arguments);
  const auto user = find_deliverer(arguments);
  if (!user) return load(arguments);
  const bool became = become(user->uid, user->gid);
  const std::string reason = became ? "" : error_text(errno);
  LoadedConfiguration loaded = load(arguments);
  if (!became) {
    loaded.problems.insert(loaded.problems.begin(),
                           {ConfigProblem::Severity::Error,
                            {},
                            fmt::format("root cannot become {}, the user that deliveries run as: {}; run this as {}",
                                        printable(user->name), reason, printable(user->name))});
    return loaded;
  }
  loaded.acting_as = printable(user->name);
  name_reader(loaded);
  return loaded;
}

std::optional<std::string> state_directory_problem(const LoadedConfiguration& loaded) {
  const std::string& directory = loaded.configuration.run.state_directory;
  const std::string written = printable(directory);
  const auto owner = owner_of(directory);
  if (!owner) {
    return fmt::format(
        "{}. state_directory has to be there and belong to the user of master.cf: install -d -m 700 -o USER {}",
        owner.error(), written);
  }
  if (owner->uid == ::geteuid()) return std::nullopt;
  if (loaded.acting_as.empty()) {
    return fmt::format("this has to run as root{}, to whom state_directory {} belongs",
                       owner->root() ? "" : " or as " + printable(owner->name), written);
  }
  if (::access(directory.c_str(), W_OK | X_OK) == 0) return std::nullopt;
  return fmt::format(
      "state_directory {0} belongs to {1} and cannot be written by {2}, as whom deliveries run: chown -R "
      "{2} {0}",
      written, printable(owner->name), loaded.acting_as);
}

}  // namespace relaypipe
