#pragma once

#include "verdict/pattern_matcher.h"

namespace relaypipe {

/// Perl's regular expressions, by PCRE2 with bounds on steps, depth and memory, so that no expression and no text takes
/// longer than a few milliseconds. Octets, not characters: a reply may hold anything.
class PcreMatcher final : public PatternMatcher {
 public:
  [[nodiscard]] Match match(std::string_view pattern, std::string_view text) override;
  [[nodiscard]] std::optional<Problem> problem(std::string_view pattern) override;
};

}  // namespace relaypipe
