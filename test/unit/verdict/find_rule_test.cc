#include "verdict/find_rule.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

/// Finds the pattern as a plain word, remembers what it was asked, and fails on demand.
class WordMatcher final : public PatternMatcher {
 public:
  [[nodiscard]] Match match(std::string_view pattern, std::string_view text) override {
    asked.emplace_back(pattern);
    if (pattern == "broken") return Match::Failed;
    return text.find(pattern) == text.npos ? Match::No : Match::Yes;
  }
  [[nodiscard]] std::optional<Problem> problem(std::string_view) override { return std::nullopt; }
  std::vector<std::string> asked;
};

Reply reply(const std::string& text) {
  ReplyParser parser;
  parser.feed(text + "\r\n");
  return parser.take().value();
}

ReplyRule rule(std::vector<Stage> stages, std::string code, std::string status, std::string match) {
  ReplyRule made;
  made.stages = std::move(stages);
  made.code = std::move(code);
  made.status = std::move(status);
  made.match = std::move(match);
  made.means = {Scope::Relay, Cause::Quota};
  made.at = {"relaypipe.toml", 7, 3};
  return made;
}

FoundRule found(const std::vector<ReplyRule>& own, Stage stage, const std::string& text, WordMatcher& matcher) {
  RelayRules rules;
  rules.own = own;
  return find_rule(stage, reply(text), rules, matcher);
}

bool own_fits(const ReplyRule& one, Stage stage, const std::string& text) {
  WordMatcher matcher;
  return found({one}, stage, text, matcher).own;
}

TEST_CASE("codes and statuses fit by digit and by number") {
  CHECK(code_fits("", 550));
  CHECK(code_fits("550", 550));
  CHECK(code_fits("5xx", 599));
  CHECK(code_fits("4xx 5x1", 551));
  CHECK_FALSE(code_fits("4xx 5x1", 550));
  CHECK_FALSE(code_fits("55", 550));
  CHECK(status_fits("", {5, 7, 1}));
  CHECK(status_fits("5.7.1", {5, 7, 1}));
  CHECK(status_fits("x.7.x", {4, 7, 139}));
  CHECK(status_fits("5.1.1 5.1.10", {5, 1, 10}));
  CHECK_FALSE(status_fits("5.7.1", {5, 7, 13}));
  CHECK_FALSE(status_fits("5.7.1", {4, 7, 1}));
  CHECK_FALSE(status_fits("5.7", {5, 7, 1}));
}

TEST_CASE("the text under judgement is one line, without what only repeats the status") {
  CHECK(judged_text(reply("550 5.7.1  no   such")) == "550 5.7.1 no such");
  CHECK(judged_text(reply("550-5.4.5 Daily user sending\r\n550 5.4.5 limit exceeded")) ==
        "550 5.4.5 Daily user sending limit exceeded");
  CHECK(judged_text(reply("450-Mailbox\r\n450-\r\n450 send limit")) == "450 Mailbox send limit");
  CHECK(judged_text(reply("550")) == "550");
  CHECK(judged_text(reply("550 a\x01\xff")) == "550 a??");
  std::string lines;
  for (int i = 0; i < 40; ++i)
    lines += "550-" + std::string(1500, 'x') + "\r\n";
  CHECK(judged_text(reply(lines + "550 end")).size() == 16384);
}

TEST_CASE("the time that a reply names") {
  struct Row {
    const char* text;
    std::optional<Duration> span;
  };
  const Row row = GENERATE(
      Row{"try again in 41 seconds", 41s}, Row{"Greylisted for 5 minutes", 5min}, Row{"retry after 2 hours.", 2h},
      Row{"Please wait 10 sec", 10s}, Row{"try again in  300  seconds", 300s}, Row{"try again later", std::nullopt},
      Row{"limit is 10 seconds", std::nullopt}, Row{"try again in 5", std::nullopt},
      Row{"try again in 0 seconds", std::nullopt}, Row{"try again in 99999999999999999999 seconds", std::nullopt},
      Row{"try again in 999999 hours", std::nullopt}, Row{"again", std::nullopt}, Row{"", std::nullopt},
      Row{"try again, 100 messages in 30 minutes", 30min});
  CAPTURE(row.text);
  CHECK(named_delay(row.text) == row.span);
}

TEST_CASE("a rule of the administrator fits by stage, code, status and words, all of them") {
  const std::string text = "554 5.7.1 over your plan";
  CHECK(own_fits(rule({Stage::Rcpt}, "", "", ""), Stage::Rcpt, text));
  CHECK(own_fits(rule({Stage::Mail, Stage::Rcpt}, "55x", "5.7.x", "plan"), Stage::Rcpt, text));
  CHECK(own_fits(rule({}, "", "", "^554"), Stage::Rcpt, text) == false);  // WordMatcher knows no anchors
  CHECK_FALSE(own_fits(rule({Stage::Mail}, "", "", ""), Stage::Rcpt, text));
  CHECK_FALSE(own_fits(rule({}, "550", "", ""), Stage::Rcpt, text));
  CHECK_FALSE(own_fits(rule({}, "", "5.7.2", ""), Stage::Rcpt, text));
  CHECK_FALSE(own_fits(rule({}, "", "", "quota"), Stage::Rcpt, text));
  CHECK(own_fits(rule({Stage::EndOfData}, "", "", ""), Stage::Content, text));
}

TEST_CASE("a reply that is not a refusal, where it makes no sense, speaks of the relay") {
  WordMatcher matcher;
  const FoundRule rule_of_354 = found({}, Stage::Rcpt, "354 go ahead", matcher);
  CHECK(rule_of_354.means == Meaning{Scope::Relay, Cause::Unknown});
  CHECK_FALSE(rule_of_354.own);
  CHECK(rule_of_354.text == "no rule");
  const Classification classification = classify_reply(Stage::Rcpt, reply("354 go ahead"), RelayRules{}, matcher);
  CHECK(classification.severity == Severity::Soft);
  CHECK(classification.next == Next::NextLeg);
  CHECK(classification.status.klass == 4);
}

TEST_CASE("the administrator's rules come first, and say where they stand") {
  WordMatcher matcher;
  const FoundRule first = found({rule({}, "5xx", "", "plan")}, Stage::Rcpt, "554 over your plan", matcher);
  CHECK(first.means == Meaning{Scope::Relay, Cause::Quota});
  CHECK(first.text == "relaypipe.toml:7:3");
  CHECK_FALSE(first.broken);
}

TEST_CASE("an expression is asked for only where the rest of its rule fits") {
  WordMatcher matcher;
  found({rule({Stage::Mail}, "", "", "one"), rule({}, "550", "", "two"), rule({}, "", "4.7.x", "three"),
         rule({}, "554", "", "four")},
        Stage::Rcpt, "554 x", matcher);
  CHECK(matcher.asked.front() == "four");
  for (const char* word : {"one", "two", "three"})
    CHECK(std::find(matcher.asked.begin(), matcher.asked.end(), word) == matcher.asked.end());
}

TEST_CASE("an expression that cannot be used makes its replies soft, and no other") {
  WordMatcher matcher;
  const std::vector<ReplyRule> own{rule({Stage::Rcpt}, "5xx", "", "broken")};
  CHECK(found(own, Stage::Rcpt, "550 5.1.1 no such user", matcher).broken);
  CHECK_FALSE(found(own, Stage::Mail, "550 5.1.1 no such user", matcher).broken);
  RelayRules rules;
  rules.own = own;
  const Classification classification = classify_reply(Stage::Rcpt, reply("550 5.1.1 no such user"), rules, matcher);
  CHECK(classification.severity == Severity::Soft);
  CHECK(classification.next == Next::NextLeg);
  CHECK(classification.status == EnhancedStatus{4, 3, 5});
  CHECK_THAT(classification.rule, Catch::Matchers::ContainsSubstring("relaypipe.toml:7:3"));
}

TEST_CASE("what the administrator says of a reply is what is done") {
  struct Row {
    Meaning means;
    const char* text;
    Severity severity;
    Next next;
  };
  const Row row = GENERATE(Row{{Scope::Recipient, Cause::Unknown}, "550 x", Severity::Hard, Next::Stop},
                           Row{{Scope::Recipient, Cause::Unknown}, "450 x", Severity::Soft, Next::NextLeg},
                           Row{{Scope::Recipient, Cause::Mailbox}, "450 x", Severity::Soft, Next::Stop},
                           Row{{Scope::Message, Cause::Unknown}, "550 x", Severity::Hard, Next::Stop},
                           Row{{Scope::Message, Cause::Size}, "550 x", Severity::Hard, Next::NextLeg},
                           Row{{Scope::Message, Cause::Content}, "550 x", Severity::Hard, Next::Stop},
                           Row{{Scope::Relay, Cause::Unknown}, "550 x", Severity::Soft, Next::NextLeg},
                           Row{{Scope::RelaySender, Cause::SenderNotAllowed}, "550 x", Severity::Soft, Next::NextLeg},
                           Row{{Scope::Message, Cause::Rate}, "550 x", Severity::Soft, Next::NextLeg});
  ReplyRule made = rule({}, "x50", "", "");
  made.means = row.means;
  RelayRules rules;
  rules.own = {&made, 1};
  WordMatcher matcher;
  const Classification classification = classify_reply(Stage::Rcpt, reply(row.text), rules, matcher);
  CHECK(classification.severity == row.severity);
  CHECK(classification.next == row.next);
  // Before MAIL nothing speaks of a message, whatever a rule says.
  const Classification early = classify_reply(Stage::Auth, reply(row.text), rules, matcher);
  CHECK(early.severity == Severity::Soft);
  CHECK(early.next == Next::NextLeg);
  CHECK((early.scope == Scope::Relay || early.scope == Scope::RelaySender));
}

TEST_CASE("until when: the administrator's word, then the reply's, then the table's") {
  WordMatcher matcher;
  ReplyRule made = rule({}, "4xx", "", "");
  RelayRules rules;
  rules.own = {&made, 1};
  const auto until = [&] {
    return classify_reply(Stage::Mail, reply("450 try again in 40 seconds"), rules, matcher).until;
  };
  CHECK(until().span == 40s);
  made.until = {Until::Kind::After, 2h};
  CHECK(until().span == 2h);
}

}  // namespace
}  // namespace relaypipe
