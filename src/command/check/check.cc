#include "command/check/check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "command/check/check_files.h"
#include "command/check/json.h"
#include "command/wiring/deliverer.h"
#include "command/wiring/request.h"
#include "config/check_reach.h"
#include "io/pcre_matcher.h"
#include "io/system/standard_streams.h"
#include "verdict/check_rules.h"

namespace relaypipe {
namespace {

constexpr int kWarnings = 1;
constexpr int kErrors = 2;

struct CheckArguments : CommonArguments {
  bool json = false;
};

void declare(Options& options, CheckArguments& arguments) {
  options.common(arguments);
  options.flag("--json", arguments.json, "for programs");
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
  text += fmt::format("{}{}: {}, {}; {}, {}{}\n", loaded.file, file ? "" : " (not there, the defaults serve)",
                      counted(errors, "error"), counted(std::ssize(loaded.problems) - errors, "warning"),
                      counted(std::ssize(loaded.configuration.relays), "relay"),
                      counted(std::ssize(loaded.configuration.chains), "chain"),
                      loaded.acting_as.empty() ? "" : "; looked at as " + loaded.acting_as);
  return text;
}

int run(const CheckArguments& arguments) {
  LoadedConfiguration loaded = load_as_deliverer(arguments);
  PcreMatcher matcher;
  check_patterns(loaded.configuration, matcher, loaded.problems);
  if (first_error(loaded.problems) == nullptr) find_unreachable(loaded.configuration, loaded.problems);
  check_machine(loaded);
  if (auto problem = find_log_problem(loaded)) loaded.problems.push_back(*std::move(problem));
  check_ehlo_names(loaded);
  check_files(loaded);
  sort_problems(loaded.problems);
  const auto errors = std::count_if(loaded.problems.begin(), loaded.problems.end(), [](const ConfigProblem& problem) {
    return problem.severity == ConfigProblem::Severity::Error;
  });
  write_text(arguments.json ? check_json(loaded) : report(loaded, errors));
  return errors > 0 ? kErrors : loaded.problems.empty() ? kDone : kWarnings;
}

}  // namespace

const Command kCheckCommand{"check", "what is wrong with the configuration and the files it names",
                            "Says what is wrong with the configuration. Exit status: 0 nothing, 1 warnings, 2 errors.",
                            start<CheckArguments, declare, run>};

}  // namespace relaypipe
