#include "command/check/check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "command/check/check_files.h"
#include "command/wiring/arguments.h"
#include "command/wiring/deliverer.h"
#include "command/wiring/json_output.h"
#include "command/wiring/request.h"
#include "config/check_reach.h"
#include "io/pcre_matcher.h"
#include "io/system/standard_streams.h"
#include "verdict/check_rules.h"

namespace relaypipe {
namespace {

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
  text += fmt::format("{}{}: {}, {}; {}, {}{}\n", loaded.file, file ? "" : " (not there, the defaults serve)",
                      counted(errors, "error"), counted(std::ssize(loaded.problems) - errors, "warning"),
                      counted(std::ssize(loaded.configuration.relays), "relay"),
                      counted(std::ssize(loaded.configuration.chains), "chain"),
                      loaded.acting_as.empty() ? "" : "; looked at as " + loaded.acting_as);
  return text;
}

}  // namespace

int run_check(const std::vector<std::string>& words) {
  const auto arguments = parse_check_arguments(words);
  if (!arguments) {
    write_text(arguments.error().text + "\n");
    return arguments.error().asked ? 0 : 2;
  }
  LoadedConfiguration loaded = load_as_deliverer(*arguments);
  PcreMatcher matcher;
  check_patterns(loaded.configuration, matcher, loaded.problems);
  if (first_error(loaded.problems) == nullptr) find_unreachable(loaded.configuration, loaded.problems);
  check_machine(loaded);
  check_ehlo_names(loaded);
  check_files(loaded);
  sort_problems(loaded.problems);
  const auto errors = std::count_if(loaded.problems.begin(), loaded.problems.end(), [](const ConfigProblem& problem) {
    return problem.severity == ConfigProblem::Severity::Error;
  });
  write_text(arguments->json ? check_json(loaded) : report(loaded, errors));
  return errors > 0 ? 2 : loaded.problems.empty() ? 0 : 1;
}

}  // namespace relaypipe
