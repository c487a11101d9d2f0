#include "command/check/check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "command/check/check_files.h"
#include "command/check/check_machine.h"
#include "command/check/json.h"
#include "command/wiring/deliverer.h"
#include "command/wiring/request.h"
#include "command/wiring/text.h"
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

std::string report(const LoadedConfiguration& loaded, std::size_t errors) {
  std::string text;
  for (const ConfigProblem& problem : loaded.problems)
    text += coloured(problem.line(), problem.severity == ConfigProblem::Severity::Error ? Colour::Red : Colour::Yellow,
                     stdout_is_terminal()) +
            "\n";
  const bool file = access(loaded.file.c_str(), F_OK) == 0;
  text += fmt::format("{}{}: {}, {}; {}, {}{}\n", loaded.file, file ? "" : " (not there, the defaults serve)",
                      counted(errors, "error"), counted(loaded.problems.size() - errors, "warning"),
                      counted(loaded.configuration.relays.size(), "relay"),
                      counted(loaded.configuration.chains.size(), "chain"),
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
  write_text(arguments.json ? check_json(loaded) : report(loaded, static_cast<std::size_t>(errors)));
  return errors > 0 ? kErrors : loaded.problems.empty() ? kDone : kWarnings;
}

}  // namespace

const Command kCheckCommand{"check", "what is wrong with the configuration and the files it names",
                            "Says what is wrong with the configuration. Exit status: 0 nothing, 1 warnings, 2 errors.",
                            start<CheckArguments, declare, run>};

}  // namespace relaypipe
