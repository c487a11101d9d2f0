#include "command/check/check_machine.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/printable.h"
#include "command/wiring/mail_log.h"
#include "config/ehlo_name.h"
#include "config/key_places.h"
#include "relay/host.h"

namespace relaypipe {

void check_machine(LoadedConfiguration& loaded) {
  const RunSettings& settings = loaded.configuration.run;
  const auto warn = [&](std::string_view key, std::string text) {
    loaded.problems.push_back(
        {ConfigProblem::Severity::Warning, key_position(loaded.documents, {loaded.file, 0, 0}, key), std::move(text)});
  };
  if (access(settings.spool_directory.c_str(), W_OK | X_OK) != 0) {
    warn("spool_directory",
         fmt::format("spool_directory {} cannot be written by this user; messages over {} octets would be deferred",
                     settings.spool_directory, settings.spool_memory));
  }
  struct stat state {};
  if (::stat(settings.state_directory.c_str(), &state) == 0 && (state.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    warn("state_directory",
         fmt::format(
             "state_directory {0} may be written by others, who could take a relay out of use or forget a quota; "
             "chmod go-w {0}",
             printable(settings.state_directory)));
  }
}

void check_ehlo_names(LoadedConfiguration& loaded) {
  const Configuration& configuration = loaded.configuration;
  const auto warn = [&](const Position& at, const std::string& label, const std::string& name) {
    if (auto problem = ehlo_name_problem(name)) {
      loaded.problems.push_back({ConfigProblem::Severity::Warning, key_position(loaded.documents, at, "hostname"),
                                 label + *std::move(problem)});
    }
  };
  warn({loaded.file, 0, 0}, "", configuration.relay_defaults.hostname);
  for (const auto& [name, relay] : configuration.relays) {
    if (relay.settings.hostname == configuration.relay_defaults.hostname) continue;
    warn(relay.at, fmt::format("[relay.{}] ", shown(name)), relay.settings.hostname);
  }
}

std::optional<ConfigProblem> find_log_problem(const LoadedConfiguration& loaded) {
  const RunSettings& settings = loaded.configuration.run;
  auto problem = log_problem(settings);
  if (!problem) return std::nullopt;
  const std::string_view key = settings.log_file.empty() ? "syslog_socket" : "log_file";
  return ConfigProblem{ConfigProblem::Severity::Warning, key_position(loaded.documents, {loaded.file, 0, 0}, key),
                       *std::move(problem)};
}

}  // namespace relaypipe
