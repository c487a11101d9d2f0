#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace relaypipe {

/// Regular expressions, as the judge of replies needs them: the administrator's come from a file and the text from a
/// stranger, so an expression that would take for ever has to end as Failed.
class PatternMatcher {
 public:
  virtual ~PatternMatcher() = default;

  enum class Match {
    No,
    Yes,
    Failed,  ///< no expression at all, or one that reached its limits on this text
  };
  /// Whether the expression matches somewhere in the text; case does not matter.
  [[nodiscard]] virtual Match match(std::string_view pattern, std::string_view text) = 0;

  struct Problem {
    std::size_t offset = 0;  ///< octets into the expression
    std::string text;        ///< one printable phrase
  };
  /// What is wrong with an expression, or nothing.
  [[nodiscard]] virtual std::optional<Problem> problem(std::string_view pattern) = 0;
};

}  // namespace relaypipe
