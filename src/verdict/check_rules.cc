#include "verdict/check_rules.h"

#include <fmt/format.h>

#include <set>
#include <tuple>

#include "base/printable.h"

namespace relaypipe {

void check_patterns(const Configuration& configuration, PatternMatcher& matcher, std::vector<ConfigProblem>& problems) {
  // A relay has the rules of [defaults] as well: each place is told once.
  std::set<std::tuple<std::string, std::uint32_t, std::uint32_t>> seen;
  const auto check = [&](const std::vector<ReplyRule>& rules) {
    for (const ReplyRule& rule : rules) {
      if (rule.match.empty()) continue;
      if (!seen.emplace(rule.match_at.file, rule.match_at.line, rule.match_at.column).second) continue;
      if (const auto problem = matcher.problem(rule.match)) {
        problems.push_back({ConfigProblem::Severity::Error, rule.match_at,
                            fmt::format("reply: match: \"{}\" is not a valid regular expression: {} at character {}",
                                        clip(printable(rule.match), 100), problem->text, problem->offset + 1)});
      }
    }
  };
  check(configuration.replies);
  for (const auto& [name, relay] : configuration.relays)
    check(relay.replies);
  sort_problems(problems);
}

}  // namespace relaypipe
