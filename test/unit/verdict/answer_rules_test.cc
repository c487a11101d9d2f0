// Every answer of test/corpus/answers has the meaning that is written beside it, and the table keeps its promises.
#include "verdict/answer_rules.h"

#include <fstream>
#include <string>
#include <vector>

#include "catch.h"
#include "http/provider_api.h"
#include "io/base/json_reader.h"
#include "io/pcre_matcher.h"
#include "relay/provider.h"
#include "relay/reply_words.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

// 2015-08-30T12:36:00Z
constexpr WallTime kNow{std::chrono::seconds(1440938160)};

struct Fixture {
  std::string place;
  std::string provider;
  ApiRefusal refusal;
  std::string meaning;
};

std::vector<std::string> columns_of(const std::string& line) {
  std::vector<std::string> columns;
  for (std::size_t from = 0; from != line.npos;) {
    const std::size_t end = line.find(" | ", from);
    columns.push_back(line.substr(from, end - from));
    from = end == line.npos ? end : end + 3;
  }
  return columns;
}

Fixture fixture_of(const std::string& place, const std::vector<std::string>& columns) {
  INFO(place);
  REQUIRE(columns.size() == 5);
  const ProviderApi* const api = find_provider_api(columns[0]);
  REQUIRE(api != nullptr);
  HttpAnswer answer;
  answer.status = std::stoi(columns[1]);
  const std::string word = columns[1].substr(4);
  if (word != "-") answer.fields.push_back({"x-amzn-errortype", word});
  answer.body = columns[2];
  const Credentials nobody;
  const ApiOutcome outcome = read_outcome(*api, answer, {nobody, kNow, read_json});
  REQUIRE(std::holds_alternative<ApiRefusal>(outcome));
  return {place, columns[0], std::get<ApiRefusal>(outcome), columns[3]};
}

std::vector<Fixture> fixtures() {
  std::ifstream file(std::string(RELAYPIPE_SOURCE_DIR) + "/test/corpus/answers/answers.txt");
  std::vector<Fixture> all;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (!line.empty() && line.front() != '#')
      all.push_back(fixture_of("answers.txt:" + std::to_string(number), columns_of(line)));
  }
  return all;
}

std::string words(const Classification& classification) {
  std::string text(scope_name(classification.scope));
  text += classification.severity == Severity::Hard ? " hard" : " soft";
  text += classification.next == Next::Stop ? " stop " : " next ";
  text += classification.status.text() + " " + std::string(cause_name(classification.cause));
  const std::string until = until_text(classification.until);
  return until.empty() ? text : text + " " + until;
}

Classification judge(const ApiRefusal& refusal, const RelayRules& rules) {
  PcreMatcher matcher;
  return classify_refusal(refusal, rules, matcher);
}

TEST_CASE("every answer of the corpus means what is written beside it") {
  const auto all = fixtures();
  REQUIRE(all.size() >= 60);
  for (const Fixture& fixture : all) {
    RelayRules rules;
    rules.provider = fixture.provider;
    const Classification classification = judge(fixture.refusal, rules);
    INFO(fixture.place << ": " << fixture.refusal.text() << "\nrule: " << classification.rule);
    CHECK(words(classification) == fixture.meaning);
  }
}

TEST_CASE("only a message that is named as the fault is refused for good, and never by a status of the server's") {
  for (const Fixture& fixture : fixtures()) {
    for (int status = 300; status < 600; ++status) {
      ApiRefusal refusal = fixture.refusal;
      refusal.status = status;
      RelayRules rules;
      rules.provider = fixture.provider;
      const Classification classification = judge(refusal, rules);
      INFO(refusal.text() << "\nrule: " << classification.rule);
      const bool hard = classification.severity == Severity::Hard;
      CHECK((!hard || (status / 100 == 4 && classification.scope == Scope::Message &&
                       (classification.cause == Cause::Size || classification.cause == Cause::Content))));
      CHECK(classification.status.klass == (hard ? 5 : 4));
      CHECK_FALSE(classification.rule.empty());
    }
  }
}

TEST_CASE("without a known provider the status decides") {
  struct Row {
    int status;
    std::string meaning;
  };
  const Row row = GENERATE(values<Row>({
      {301, "relay soft next 4.3.0 unknown"},
      {400, "message soft next 4.3.0 unknown"},
      {401, "relay soft next 4.7.8 auth credentials"},
      {402, "relay soft next 4.7.0 account"},
      {403, "relay soft next 4.7.0 policy"},
      {404, "relay soft next 4.3.0 unknown"},
      {408, "relay soft next 4.3.0 network"},
      {413, "message hard next 5.3.4 size"},
      {422, "message soft next 4.3.0 unknown"},
      {429, "relay soft next 4.3.2 rate"},
      {500, "relay soft next 4.3.0 network"},
      {599, "relay soft next 4.3.0 network"},
  }));
  INFO(row.status);
  CHECK(words(judge({row.status, "", "words"}, {})) == row.meaning);
}

TEST_CASE("until when: the answer's own time, its words, the row") {
  const auto until = [](ApiRefusal refusal, std::string_view provider) {
    RelayRules rules;
    rules.provider = provider;
    return until_text(judge(refusal, rules).until);
  };
  CHECK(until({429, "", "", 90s}, "") == "90s");
  CHECK(until({503, "", "", 90s}, "") == "90s");
  CHECK(until({429, "", "try again in 40 seconds"}, "") == "40s");
  CHECK(until({400, "LimitExceededException", ""}, "ses") == "1h");
  CHECK(until({400, "LimitExceededException", "", 90s}, "ses") == "90s");
  CHECK(until({401, "", "", 90s}, "") == "credentials");
  CHECK(until({400, "", "", 90s}, "").empty());
}

ReplyRule rule(std::string code, std::string match, Meaning means) {
  ReplyRule made;
  made.code = std::move(code);
  made.match = std::move(match);
  made.means = means;
  made.at = {"relaypipe.toml", 3, 5};
  return made;
}

TEST_CASE("the administrator's rules come first, where they can speak of an answer") {
  std::vector<ReplyRule> own{rule("429", "slow", {Scope::Relay, Cause::Quota}),
                             rule("4xx", "no such list", {Scope::Message, Cause::Content})};
  RelayRules rules;
  rules.provider = "graph";
  rules.own = own;
  CHECK(words(judge({429, "ApplicationThrottled", "Slow down"}, rules)) == "relay soft next 4.3.2 quota");
  CHECK(judge({429, "ApplicationThrottled", "Slow down"}, rules).rule == "relaypipe.toml:3:5");
  CHECK(words(judge({429, "ApplicationThrottled", "no"}, rules)) == "relay soft next 4.3.2 rate");
  CHECK(words(judge({400, "", "No such list"}, rules)) == "message hard stop 5.6.0 content");
  rules.on_content_reject = ContentReject::Next;
  CHECK(words(judge({400, "", "No such list"}, rules)) == "message hard next 5.6.0 content");

  own = {rule("", "", {Scope::Relay, Cause::Account})};
  own[0].status = "4.7.x";
  rules.own = own;
  CHECK(words(judge({503, "", ""}, rules)) == "relay soft next 4.3.0 network");
  own[0].status.clear();
  own[0].stages = {Stage::Rcpt};
  CHECK(words(judge({503, "", ""}, rules)) == "relay soft next 4.3.0 network");
  own[0].stages = {Stage::EndOfData};
  own[0].until = {Until::Kind::After, 10min};
  CHECK(words(judge({503, "", "", 90s}, rules)) == "relay soft next 4.7.0 account 10m");
  own[0].match = "(";
  CHECK(words(judge({413, "", ""}, rules)) == "relay soft next 4.3.5 unknown");
}

TEST_CASE("every row is whole: a known provider, a pattern that can be used, evidence, and the last fits all") {
  PcreMatcher matcher;
  bool general = false;
  for (const AnswerRow& row : answer_rows()) {
    INFO(row_text(row));
    CHECK_FALSE(row.evidence.empty());
    CHECK((row.match.empty() || !matcher.problem(row.match)));
    CHECK((row.provider.empty() || find_provider_api(row.provider) != nullptr));
    general = general || row.provider.empty();
    CHECK(general == row.provider.empty());
    CHECK_FALSE(row.means.scope == Scope::Recipient);
  }
  CHECK(answer_rows().back().status.empty());
  CHECK(row_text(answer_rows().back()).starts_with("general rule ("));
  CHECK(belongs_to(answer_rows().front(), "ses"));
  CHECK_FALSE(belongs_to(answer_rows().front(), "gmail"));
  CHECK_FALSE(belongs_to(answer_rows().back(), ""));
}

}  // namespace
}  // namespace relaypipe
