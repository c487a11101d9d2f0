#include "postfix/text.h"

#include "catch.h"
#include "postfix/table.h"

using namespace relaypipe;
using std::chrono::seconds;
using Words = std::vector<std::string>;

TEST_CASE("words are split at blanks outside braces", "[postfix_text]") {
  CHECK(split_postfix_words("pipe -o {a=b c} flags=q") == Words{"pipe", "-o", "{a=b c}", "flags=q"});
  CHECK(split_postfix_words(" a\tb \n") == Words{"a", "b"});
  CHECK(split_postfix_words("{ { x } y } z") == Words{"{ { x } y }", "z"});
  CHECK(split_postfix_words("a} b") == Words{"a}", "b"});
  CHECK(split_postfix_words("hash:/a, inline:{ {a=b}, c=d }", true) == Words{"hash:/a", "inline:{ {a=b}, c=d }"});
  CHECK(split_postfix_words("").empty());
  CHECK(without_braces("{ a b }") == "a b");
  CHECK(without_braces("{}").empty());
  CHECK(without_braces("{") == "{");
}

TEST_CASE("lines of postconf and postmap are pairs", "[postfix_text]") {
  const auto parameters = parse_postconf("a = b = c\nempty =\nnonsense\nlast = x");
  REQUIRE(parameters.size() == 3);
  CHECK(value_of(parameters, "a") == "b = c");
  CHECK(value_of(parameters, "empty").empty());
  CHECK(value_of(parameters, "last") == "x");
  CHECK(value_of(parameters, "unknown").empty());
  const auto entries = parse_postmap("example.com\trelaypipe:[a]:1, [b]:2\n");
  CHECK(value_of(entries, "example.com") == "relaypipe:[a]:1, [b]:2");
}

TEST_CASE("times are read as Postfix reads them", "[postfix_text]") {
  CHECK(parse_postfix_time("1000s") == seconds(1000));
  CHECK(parse_postfix_time("60") == seconds(60));
  CHECK(parse_postfix_time("5m") == seconds(300));
  CHECK(parse_postfix_time("2h") == seconds(7200));
  CHECK(parse_postfix_time("1d") == seconds(86400));
  CHECK(parse_postfix_time("1w") == seconds(604800));
  for (const char* const wrong : {"", "s", "5x", "-1s", "5 m", "99999999999999999999"})
    CHECK_FALSE(parse_postfix_time(wrong));
}

TEST_CASE("macros of pipe(8) have three spellings", "[postfix_text]") {
  for (const char* const word : {"$sender", "${sender}", "$(sender)"})
    CHECK(is_pipe_macro(word, "sender"));
  for (const char* const word : {"sender", "$", "${sender", "${senders}", "x${sender}", "$(sender}", ""})
    CHECK_FALSE(is_pipe_macro(word, "sender"));
}

TEST_CASE("what a shell would take apart is quoted", "[postfix_text]") {
  CHECK(shell_word("relaypipe_time_limit=3600s") == "relaypipe_time_limit=3600s");
  CHECK(shell_word("a b") == "'a b'");
  CHECK(shell_word("$x") == "'$x'");
  CHECK(shell_word("it's") == "'it'\\''s'");
  CHECK(shell_word("") == "''");
}

TEST_CASE("tables of a parameter", "[postfix_table]") {
  const auto tables = parse_postfix_tables("proxy:hash:/a, inline:{ {a = b} } mysql:/b.cf, static:{x y}, /plain word");
  REQUIRE(tables.size() == 4);
  CHECK(tables[0].text == "hash:/a");
  CHECK(tables[0].indexed);
  CHECK(tables[0].kind == PostfixTable::Kind::Listed);
  CHECK(tables[1].name == "{ {a = b} }");
  CHECK(tables[1].kind == PostfixTable::Kind::Listed);
  CHECK(tables[2].kind == PostfixTable::Kind::Hidden);
  CHECK(tables[3].kind == PostfixTable::Kind::Constant);
}

TEST_CASE("rules of pattern tables", "[postfix_table]") {
  const auto rules = parse_pattern_table("regexp",
                                         "# comment\nif /x/\n/a b\\/c/i  relaypipe:one\n!/d/ relaypipe:two\n"
                                         "/e/\n  relaypipe:three\nendif\n/f\n");
  REQUIRE(rules.size() == 4);
  CHECK(rules[0].name == "/a b\\/c/i");
  CHECK(rules[0].value == "relaypipe:one");
  CHECK(rules[1].value == "relaypipe:two");
  CHECK(rules[2].value == "relaypipe:three");
  CHECK(rules[3].value.empty());
  const auto ranges = parse_pattern_table("cidr", "192.0.2.0/24 relaypipe:one\n2001:db8::/32\trelaypipe:two");
  REQUIRE(ranges.size() == 2);
  CHECK(ranges[1].name == "2001:db8::/32");
  CHECK(ranges[1].value == "relaypipe:two");
  const auto inline_rules = parse_pattern_table("pcre", "{ { /x y/ relaypipe:one }, {/z/ relaypipe:two} }");
  REQUIRE(inline_rules.size() == 2);
  CHECK(inline_rules[0].value == "relaypipe:one");
}
