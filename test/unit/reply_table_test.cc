// Every reply of test/corpus/replies has the meaning that is written beside it, and the table keeps its promises.
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/stage.h"
#include "catch.h"
#include "config/provider.h"
#include "config/reply_words.h"
#include "io/pcre_matcher.h"
#include "verdict/classify.h"
#include "verdict/find_rule.h"
#include "verdict/reply_rules.h"
#include "verdict/verdict.h"

namespace relaypipe {
namespace {

struct Fixture {
  std::string place;
  std::string provider;
  Stage stage = Stage::Mail;
  Reply reply;
  std::string meaning;
};

Reply parsed(std::string text) {
  for (std::size_t at = 0; (at = text.find("\\n", at)) != text.npos;)
    text.replace(at, 2, "\r\n");
  ReplyParser parser;
  parser.feed(text + "\r\n");
  auto reply = parser.take();
  INFO(text);
  REQUIRE(reply);
  return *reply;
}

std::vector<Fixture> fixtures(const std::string& name) {
  std::ifstream file(std::string(RELAYPIPE_SOURCE_DIR) + "/test/corpus/replies/" + name);
  std::vector<Fixture> all;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    std::vector<std::string> columns;
    for (std::size_t from = 0; from != line.npos;) {
      const std::size_t end = line.find(" | ", from);
      columns.push_back(line.substr(from, end - from));
      from = end == line.npos ? end : end + 3;
    }
    const std::string place = name + ":" + std::to_string(number);
    INFO(place);
    REQUIRE(columns.size() == 5);
    const auto stage = find_stage(columns[1]);
    REQUIRE(stage);
    all.push_back({place, columns[0] == "-" ? "" : columns[0], *stage, parsed(columns[2]), columns[3]});
  }
  return all;
}

std::string words(const Judgement& judgement) {
  const char* const severities[] = {"success", "soft", "hard"};
  std::string text(scope_name(judgement.scope));
  text += std::string(" ") + severities[static_cast<int>(judgement.severity)];
  text += judgement.next == Next::Stop ? " stop " : " next ";
  text += judgement.status.text() + " " + std::string(cause_name(judgement.cause));
  const std::string until = until_text(judgement.until);
  return until.empty() ? text : text + " " + until;
}

Judgement judge(const Fixture& fixture, RelayRules rules = {}) {
  PcreMatcher matcher;
  rules.provider = fixture.provider;
  return classify_reply(fixture.stage, fixture.reply, rules, matcher);
}

bool all_x(std::string_view text) { return text.empty() || text.find_first_not_of("x. ") == text.npos; }

TEST_CASE("every reply of the corpus means what is written beside it") {
  for (const char* name : {"providers.txt", "servers.txt"}) {
    const auto all = fixtures(name);
    REQUIRE(all.size() > 40);
    for (const Fixture& fixture : all) {
      const Judgement judgement = judge(fixture);
      INFO(fixture.place << ": " << fixture.reply.text() << "\nrule: " << judgement.rule);
      CHECK(words(judgement) == fixture.meaning);
    }
  }
}

TEST_CASE("every row with words of its own is shown by a reply of the corpus") {
  std::vector<std::string> seen;
  for (const char* name : {"providers.txt", "servers.txt"}) {
    for (const Fixture& fixture : fixtures(name))
      seen.push_back(judge(fixture).rule);
  }
  for (const ReplyRow& row : reply_rows()) {
    if (row.provider.empty()) continue;
    INFO(row_text(row));
    CHECK(std::find(seen.begin(), seen.end(), row_text(row)) != seen.end());
  }
}

TEST_CASE("the table is well-formed") {
  PcreMatcher matcher;
  bool general = false;
  for (const ReplyRow& row : reply_rows()) {
    INFO(row_text(row));
    CHECK_FALSE(matcher.problem(row.match.empty() ? "x" : row.match));
    CHECK_FALSE(row.evidence.empty());
    CHECK_FALSE(row.code.empty());
    CHECK((row.holds == Holds::Anywhere || !row.provider.empty()));
    // A row whose provider has a name has words or a status of its own.
    CHECK((row.provider.empty() || !all_x(row.status) || !row.match.empty()));
    general = general || (is_general(row) && row.stages.empty() && row.code == "421");
    if (general) CHECK(is_general(row));
    std::istringstream stages{std::string(row.stages)};
    for (std::string stage; stages >> stage;)
      CHECK(find_stage(stage));
    std::istringstream names{std::string(row.provider)};
    for (std::string name; names >> name;)
      CHECK(find_provider(name) != nullptr);
  }
}

TEST_CASE("one general rule fits every refusal at every stage") {
  PcreMatcher matcher;
  for (int stage = 0; stage <= static_cast<int>(Stage::Quit); ++stage) {
    for (int code = 400; code < 600; ++code) {
      const FoundRule found = find_rule(static_cast<Stage>(stage), {code, {"x"}, {code / 100, 0, 0}}, {}, matcher);
      if (found.text.find("general rule") == std::string::npos) FAIL(code << " at " << stage << ": " << found.text);
    }
  }
}

/// Any reply that a rule about the relay fits, wherever it is said.
TEST_CASE("account trouble everywhere ends as 4.y.z, even where every relay says 5yz") {
  std::vector<Fixture> ours;
  for (const char* name : {"providers.txt", "servers.txt"}) {
    for (Fixture& fixture : fixtures(name)) {
      const Scope scope = judge(fixture).scope;
      if (scope == Scope::Relay || scope == Scope::RelaySender) ours.push_back(std::move(fixture));
    }
  }
  REQUIRE(ours.size() > 60);
  const auto judged = [](const Fixture& fixture, const std::string& host) {
    Outcome outcome{{host, host, "192.0.2.1", 25}, Refused{fixture.stage, fixture.reply}, {}, {}};
    if (fixture.stage < Stage::Mail) outcome.what = Unreached{fixture.stage, Trouble::Lost, "", fixture.reply};
    if (fixture.stage == Stage::Rcpt) outcome.what = RecipientsRefused{{fixture.reply, fixture.reply}};
    PcreMatcher matcher;
    const RelayRules rules{fixture.provider, {}, ContentReject::Stop, false};
    Judgement judgement = classify(outcome, rules, matcher);
    return Judged{std::move(outcome), std::move(judgement)};
  };
  for (const Fixture& first : ours) {
    for (const Fixture& second : ours) {
      const std::vector<Judged> both{judged(first, "a"), judged(second, "b")};
      const Verdict verdict = fold_verdict(both);
      const bool deferred = verdict.disposition == Disposition::Deferred && verdict.status.klass == 4;
      if (!deferred || both[0].judgement.next == Next::Stop)
        FAIL(first.place << " and " << second.place << ": " << report_line(verdict));
    }
  }
}

TEST_CASE("at the recipient's own MX nobody has an account: what it refuses is refused") {
  RelayRules own;
  own.recipient_domain = true;
  for (const Fixture& fixture : fixtures("servers.txt")) {
    if (fixture.stage < Stage::Mail || !fixture.reply.hard()) continue;
    const Judgement judgement = judge(fixture, own);
    INFO(fixture.place << ": " << judgement.rule);
    const bool session = judgement.rule.find("general rule") != std::string::npos && judgement.scope == Scope::Relay;
    CHECK((judgement.severity == Severity::Hard || session));
  }
}

TEST_CASE("a spam verdict is shown to the next relay only where that is allowed, and is final when all say so") {
  const Fixture spam{"", "", Stage::EndOfData, parsed("550 5.7.1 Spam message rejected"), ""};
  RelayRules next;
  next.on_content_reject = ContentReject::Next;
  CHECK(words(judge(spam)) == "message hard stop 5.7.1 content");
  CHECK(words(judge(spam, next)) == "message hard next 5.7.1 content");
}

}  // namespace
}  // namespace relaypipe
