#include "io/pcre_matcher.h"

#include <string>

#include "catch.h"

namespace relaypipe {
namespace {

using Match = PatternMatcher::Match;

TEST_CASE("an expression matches anywhere, whatever the case and the octets") {
  struct Row {
    const char* pattern;
    std::string text;
    Match match;
  };
  const Row row =
      GENERATE(Row{"quota", "550 QUOTA exceeded", Match::Yes}, Row{"^550 ", "550 x", Match::Yes},
               Row{"^50 ", "550 x", Match::No}, Row{"a.{0,3}b", "a\nxb", Match::Yes}, Row{"x$", "550 x", Match::Yes},
               Row{"\\d{3} 5\\.7\\.[0-9]+ ", "550 5.7.12 x", Match::Yes}, Row{"\xff", "a\xff", Match::Yes},
               Row{"a", std::string("\0a", 2), Match::Yes}, Row{"", "anything", Match::Yes},
               Row{"(", "(", Match::Failed}, Row{"[a-", "a", Match::Failed}, Row{"a\\C", "ab", Match::Failed});
  PcreMatcher matcher;
  CAPTURE(row.pattern, row.text);
  CHECK(matcher.match(row.pattern, row.text) == row.match);
}

TEST_CASE("an expression that would take for ever ends as failed") {
  PcreMatcher matcher;
  CHECK(matcher.match("^(a+)+$", std::string(2000, 'a') + "b") == Match::Failed);
  CHECK(matcher.match("(a+)+[!?]", std::string(4000, 'a')) == Match::Failed);
  CHECK(matcher.match("(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)x", std::string(16000, 'a')) == Match::Failed);
  CHECK(matcher.match("(?:a|(?R))*b", std::string(16000, 'a')) != Match::Yes);
}

TEST_CASE("what is wrong with an expression is told with its place") {
  PcreMatcher matcher;
  CHECK_FALSE(matcher.problem("quota (limit|exceeded)"));
  const auto open = matcher.problem("ab(c");
  REQUIRE(open);
  CHECK(open->offset == 4);
  CHECK_THAT(open->text, Catch::Matchers::ContainsSubstring("missing"));
  CHECK(matcher.problem(std::string(5000, 'a')));
  CHECK(matcher.problem("(?<=a+)b"));
}

}  // namespace
}  // namespace relaypipe
