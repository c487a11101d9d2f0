#include "frontend/check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "frontend/arguments.h"
#include "frontend/check_files.h"
#include "frontend/json_output.h"
#include "frontend/request.h"
#include "io/pcre_matcher.h"
#include "io/standard_streams.h"
#include "verdict/check_rules.h"

namespace relaypipe {
namespace {

/// What the file cannot say of itself: whether the machine has what it names.
void check_machine(LoadedConfiguration& loaded) {
  const Settings& settings = loaded.configuration.settings;
  const auto warn = [&](std::string text) {
    loaded.problems.push_back({ConfigProblem::Severity::Warning, {loaded.file, 0, 0}, std::move(text)});
  };
  if (access(settings.spool_directory.c_str(), W_OK | X_OK) != 0) {
    warn(fmt::format("spool_directory {} cannot be written by this user; messages over {} octets would be deferred",
                     settings.spool_directory, settings.spool_memory));
  }
  if (access(settings.syslog_socket.c_str(), W_OK) != 0) {
    warn(fmt::format("syslog_socket {} is not there; nothing is logged", settings.syslog_socket));
  }
}

std::string coloured(const ConfigProblem& problem, bool terminal) {
  const bool error = problem.severity == ConfigProblem::Severity::Error;
  if (!terminal) return problem.line() + "\n";
  return fmt::format("\033[{}m{}\033[0m\n", error ? 31 : 33, problem.line());
}

std::string counted(std::ptrdiff_t count, const std::string& word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

std::string report(const LoadedConfiguration& loaded, std::ptrdiff_t errors) {
  std::string text;
  for (const ConfigProblem& problem : loaded.problems)
    text += coloured(problem, stdout_is_terminal());
  const bool file = access(loaded.file.c_str(), F_OK) == 0;
  text += fmt::format("{}{}: {}, {}; {}, {}\n", loaded.file, file ? "" : " (not there, the defaults serve)",
                      counted(errors, "error"), counted(std::ssize(loaded.problems) - errors, "warning"),
                      counted(std::ssize(loaded.configuration.relays), "relay"),
                      counted(std::ssize(loaded.configuration.chains), "chain"));
  return text;
}

}  // namespace

int run_check(const std::vector<std::string>& words) {
  const auto arguments = parse_check_arguments(words);
  if (!arguments) {
    write_text(arguments.error().text + "\n");
    return arguments.error().asked ? 0 : 2;
  }
  LoadedConfiguration loaded = load(*arguments);
  PcreMatcher matcher;
  check_patterns(loaded.configuration, matcher, loaded.problems);
  check_machine(loaded);
  check_files(loaded);
  sort_problems(loaded.problems);
  const auto errors = std::count_if(loaded.problems.begin(), loaded.problems.end(), [](const ConfigProblem& problem) {
    return problem.severity == ConfigProblem::Severity::Error;
  });
  write_text(arguments->json ? check_json(loaded) : report(loaded, errors));
  return errors > 0 ? 2 : loaded.problems.empty() ? 0 : 1;
}

}  // namespace relaypipe
