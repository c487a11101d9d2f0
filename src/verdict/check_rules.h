#pragma once

#include <vector>

#include "config/configuration.h"
#include "verdict/pattern_matcher.h"

namespace relaypipe {

/// Reports every regular expression of a configuration's reply rules that is none.
///
/// For `check` and `classify`. A delivery compiles an expression when a refusal asks for it: one that then turns out to
/// be none defers (verdict/find_rule.h), so nothing is gained by compiling all of them for every message.
void check_patterns(const Configuration& configuration, PatternMatcher& matcher, std::vector<ConfigProblem>& problems);

}  // namespace relaypipe
