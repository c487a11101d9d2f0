#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "smtp/stage.h"
#include "verdict/classify.h"
#include "verdict/pattern_matcher.h"

namespace relaypipe {

/// The rule that a reply falls under.
struct FoundRule {
  Meaning means;
  Until until;
  std::string text;     ///< which one, for a person: `relaypipe.toml:12:3`, or the row of the table
  bool own = false;     ///< the administrator's
  bool broken = false;  ///< the administrator's expression could not be used, so nobody knows what was meant
};

/// The first rule that fits the reply: the relay's own, then its provider's rows, then rows that hold anywhere, then
/// the general ones, of which one always fits 4yz and 5yz. Only expressions of rules that fit otherwise are compiled.
///
/// An expression of the administrator's that cannot be used ends the search as `broken`: passing it over could let the
/// reply bounce that it was written for.
FoundRule find_rule(Stage stage, const Reply& reply, const RelayRules& rules, PatternMatcher& matcher);

/// What expressions are matched against: the code, the enhanced status where the reply has one, and the texts of all
/// lines, on one line; a D.S.N that is repeated on every line is taken out, so that a phrase may cross a line end.
/// `550 5.4.5 Daily user sending limit exceeded`.
std::string judged_text(const Reply& reply);

/// `5xx`, `4x1`: a digit or `x`; several separated by blanks.
bool code_fits(std::string_view patterns, int code);
/// `5.7.1`, `x.7.x`: a number or `x`; several separated by blanks.
bool status_fits(std::string_view patterns, const EnhancedStatus& status);

/// The span in "try again in 40 seconds", "greylisted for 5 minutes", where a reply has one; at most a week.
std::optional<Duration> named_delay(std::string_view text);

}  // namespace relaypipe
