// Every reply of test/corpus/replies has the meaning that is written beside it, and the table keeps its promises.
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "catch.h"
#include "io/pcre_matcher.h"
#include "relay/provider.h"
#include "relay/reply_words.h"
#include "smtp/stage.h"
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

struct CorpusLine {
  std::string place;
  std::vector<std::string> columns;
};

std::vector<CorpusLine> corpus_lines(const std::string& name, std::size_t columns) {
  std::ifstream file(std::string(RELAYPIPE_SOURCE_DIR) + "/test/corpus/replies/" + name);
  std::vector<CorpusLine> lines;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    CorpusLine read{name + ":" + std::to_string(number), {}};
    for (std::size_t from = 0; from != line.npos;) {
      const std::size_t end = line.find(" | ", from);
      read.columns.push_back(line.substr(from, end - from));
      from = end == line.npos ? end : end + 3;
    }
    INFO(read.place);
    REQUIRE(read.columns.size() == columns);
    lines.push_back(std::move(read));
  }
  return lines;
}

/// Of a file whose first column is the provider.
std::vector<Fixture> fixtures(const std::string& name) {
  std::vector<Fixture> all;
  for (const auto& [place, columns] : corpus_lines(name, 5)) {
    INFO(place);
    const auto stage = find_stage(columns[1]);
    REQUIRE(stage);
    all.push_back({place, columns[0] == "-" ? "" : columns[0], *stage, parsed(columns[2]), columns[3]});
  }
  return all;
}

/// The refusals of servers and providers that are known by nothing but their words.
std::vector<Fixture> refusals() {
  std::vector<Fixture> all;
  for (const auto& [place, columns] : corpus_lines("refusals.txt", 4)) {
    INFO(place);
    const auto stage = find_stage(columns[0]);
    REQUIRE(stage);
    all.push_back({place, "", *stage, parsed(columns[1]), columns[2]});
  }
  return all;
}

std::vector<ReplyRow> all_rows() {
  std::vector<ReplyRow> rows(provider_rows().begin(), provider_rows().end());
  rows.insert(rows.end(), server_rows().begin(), server_rows().end());
  return rows;
}

/// `unknown hard next`
std::string class_of(const Classification& classification) {
  const char* const severities[] = {"success", "soft", "hard"};
  std::string text(scope_name(classification.scope));
  text += std::string(" ") + severities[static_cast<int>(classification.severity)];
  return text + (classification.next == Next::Stop ? " stop" : " next");
}

std::string words(const Classification& classification) {
  std::string text = class_of(classification) + " ";
  text += classification.status.text() + " " + std::string(cause_name(classification.cause));
  const std::string until = until_text(classification.until);
  return until.empty() ? text : text + " " + until;
}

Classification judge(const Fixture& fixture, RelayRules rules = {}) {
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
      const Classification classification = judge(fixture);
      INFO(fixture.place << ": " << fixture.reply.text() << "\nrule: " << classification.rule);
      CHECK(words(classification) == fixture.meaning);
    }
  }
}

TEST_CASE("every refusal of the servers and the providers has its class, by its words alone") {
  const auto all = refusals();
  REQUIRE(all.size() >= 500);
  for (const Fixture& fixture : all) {
    const Classification classification = judge(fixture);
    INFO(fixture.place << ": " << fixture.reply.text() << "\nrule: " << classification.rule);
    CHECK(class_of(classification) == fixture.meaning);
    CHECK(classification.status.klass == (classification.severity == Severity::Hard ? 5 : 4));
  }
}

TEST_CASE("no refusal that speaks of us or of the relay returns a message, whoever else refuses it too") {
  std::vector<ClassifiedAttempt> ours;
  for (const Fixture& fixture : refusals()) {
    Classification classification = judge(fixture);
    if (classification.severity == Severity::Hard) continue;
    const std::string host = "h" + std::to_string(ours.size());
    ours.push_back({{{host, host, "192.0.2.1", 25}, Refused{fixture.stage, fixture.reply}, {}, {}}, classification});
  }
  REQUIRE(ours.size() > 250);
  const Fixture unknown{"", "", Stage::Rcpt, parsed("550 5.7.1 no"), ""};
  const ClassifiedAttempt refused{{{"b", "b", "192.0.2.2", 25}, Refused{Stage::Rcpt, unknown.reply}, {}, {}},
                                  judge(unknown)};
  CHECK(fold_verdict(std::vector{refused}).disposition == Disposition::Bounced);
  for (const ClassifiedAttempt& one : ours) {
    for (const auto& order : {std::vector{one, refused}, std::vector{refused, one}}) {
      const Verdict verdict = fold_verdict(order);
      INFO(describe(one.attempt));
      CHECK((verdict.disposition == Disposition::Deferred && verdict.status.klass == 4));
    }
  }
}

TEST_CASE("to MAIL no reply is a recipient's") {
  for (const char* name : {"providers.txt", "servers.txt"}) {
    for (Fixture fixture : fixtures(name)) {
      fixture.stage = Stage::Mail;
      INFO(fixture.place);
      if (fixture.reply.hard()) CHECK(judge(fixture).scope != Scope::Recipient);
    }
  }
  for (Fixture fixture : refusals()) {
    fixture.stage = Stage::Mail;
    INFO(fixture.place);
    if (fixture.reply.hard()) CHECK(judge(fixture).scope != Scope::Recipient);
  }
}

/// The registry of enhanced statuses (RFC 3463, 4954, 5248, 6531, 6710, 7293, 7372, 7505): without words they decide.
TEST_CASE("a registered status says alone whose the refusal is") {
  struct Row {
    Stage stage;
    const char* statuses;
    const char* meaning;
  };
  const std::vector<Row> rows{
      {Stage::Rcpt, "5.1.0 5.1.1 5.1.2 5.1.3 5.1.4 5.1.5 5.1.6 5.1.9 5.1.10 5.2.0 5.2.1 5.2.2 5.2.3 5.2.4",
       "recipient hard stop"},
      {Stage::EndOfData, "5.1.1 5.1.10 5.2.1 5.2.2 5.7.17 5.7.18", "recipient hard stop"},
      {Stage::Rcpt, "5.1.7 5.1.8 5.7.23 5.7.24 5.7.27", "relay+sender hard next"},
      {Stage::EndOfData, "5.1.7 5.1.8 5.7.23 5.7.24 5.7.27", "relay+sender hard next"},
      {Stage::Mail, "5.1.0 5.1.1 5.1.3 5.1.7 5.1.8 5.2.1 5.7.1 5.7.0 5.6.7 5.7.26", "relay+sender hard next"},
      {Stage::Mail,
       "5.3.0 5.3.1 5.3.2 5.3.5 5.5.0 5.5.1 5.5.2 5.5.4 5.5.5 5.5.6 5.7.8 5.7.9 5.7.10 5.7.11 5.7.12 "
       "5.7.13 5.7.14 5.7.25 5.7.28",
       "relay soft next"},
      {Stage::Rcpt,
       "5.3.0 5.3.1 5.3.2 5.3.5 5.5.0 5.5.1 5.5.2 5.5.4 5.5.5 5.5.6 5.7.8 5.7.9 5.7.10 5.7.11 5.7.12 "
       "5.7.13 5.7.14 5.7.25 5.7.28",
       "relay soft next"},
      {Stage::EndOfData, "5.3.0 5.3.1 5.3.2 5.3.5 5.5.1 5.7.8 5.7.13 5.7.25 5.7.28", "relay soft next"},
      {Stage::Rcpt, "5.4.0 5.4.1 5.4.2 5.4.3 5.4.5 5.4.7", "relay+recipient-domain soft next"},
      {Stage::Rcpt, "5.3.4 5.7.16", "message hard next"},
      {Stage::EndOfData, "5.3.4 5.7.16", "message hard next"},
      {Stage::EndOfData, "5.4.6 5.6.0 5.6.5 5.6.6", "message hard stop"},
      {Stage::EndOfData, "5.6.1 5.6.2 5.6.3 5.6.4 5.6.7 5.6.8 5.6.9 5.3.3", "unknown hard next"},
      {Stage::Rcpt,
       "5.0.0 5.3.3 5.4.4 5.6.7 5.7.0 5.7.1 5.7.2 5.7.3 5.7.4 5.7.5 5.7.6 5.7.7 5.7.15 5.7.20 5.7.21 5.7.22 "
       "5.7.26 5.7.29 5.7.30",
       "unknown hard next"},
      {Stage::EndOfData, "5.0.0 5.7.0 5.7.1 5.7.2 5.7.20 5.7.21 5.7.22 5.7.26 5.7.29 5.7.30", "unknown hard next"}};
  for (const Row& row : rows) {
    std::istringstream statuses(row.statuses);
    for (std::string status; statuses >> status;) {
      const Fixture fixture{"", "", row.stage, parsed("550 " + status + " x"), ""};
      INFO(name(row.stage) << " " << status << ": " << judge(fixture).rule);
      CHECK(class_of(judge(fixture)) == row.meaning);
    }
  }
}

TEST_CASE("every row with words of its own is shown by a reply of the corpus") {
  std::vector<std::string> seen;
  for (const Fixture& fixture : refusals())
    seen.push_back(judge(fixture).rule);
  for (const char* name : {"providers.txt", "servers.txt"}) {
    for (const Fixture& fixture : fixtures(name))
      seen.push_back(judge(fixture).rule);
  }
  for (const ReplyRow& row : all_rows()) {
    if (is_general(row)) continue;
    INFO(row_text(row));
    CHECK(std::find(seen.begin(), seen.end(), row_text(row)) != seen.end());
  }
}

TEST_CASE("the table is well-formed") {
  PcreMatcher matcher;
  bool general = false;
  for (const ReplyRow& row : all_rows()) {
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
      // These codes say in any transaction whom they are about (RFC 4954 6), so they have a row of their own.
      const bool of_the_session = code == 530 || code == 534 || code == 535 || code == 538;
      if (found.text.find(of_the_session ? "" : "general rule") == std::string::npos || found.text == "no rule")
        FAIL(code << " at " << stage << ": " << found.text);
    }
  }
}

/// Any reply that a rule about the relay fits, wherever it is said.
TEST_CASE("account trouble everywhere ends as 4.y.z, even where every relay says 5yz") {
  std::vector<Fixture> ours;
  for (const char* name : {"providers.txt", "servers.txt"}) {
    for (Fixture& fixture : fixtures(name)) {
      const Scope scope = judge(fixture).scope;
      const bool relay = scope == Scope::Relay || scope == Scope::RelaySender || scope == Scope::RelayRecipientDomain;
      if (relay && judge(fixture).severity == Severity::Soft) ours.push_back(std::move(fixture));
    }
  }
  REQUIRE(ours.size() > 60);
  const auto classified = [](const Fixture& fixture, const std::string& host) {
    Attempt attempt{{host, host, "192.0.2.1", 25}, Refused{fixture.stage, fixture.reply}, {}, {}};
    if (fixture.stage < Stage::Mail)
      attempt.what = SessionFailure{fixture.stage, SessionError::Lost, "", fixture.reply};
    if (fixture.stage == Stage::Rcpt) attempt.what = RecipientsRefused{{fixture.reply, fixture.reply}};
    PcreMatcher matcher;
    const RelayRules rules{fixture.provider, {}, ContentReject::Stop, false};
    Classification classification = classify(attempt, rules, matcher);
    return ClassifiedAttempt{std::move(attempt), std::move(classification)};
  };
  for (const Fixture& first : ours) {
    for (const Fixture& second : ours) {
      const std::vector<ClassifiedAttempt> both{classified(first, "a"), classified(second, "b")};
      const Verdict verdict = fold_verdict(both);
      const bool deferred = verdict.disposition == Disposition::Deferred && verdict.status.klass == 4;
      if (!deferred || both[0].classification.next == Next::Stop)
        FAIL(first.place << " and " << second.place << ": " << report_line(verdict));
    }
  }
}

/// Promise 2 holds there too: our address on a list defers.
TEST_CASE("at the recipient's own MX nobody has an account: what it refuses is refused, but for what speaks of us") {
  RelayRules own;
  own.recipient_domain = true;
  for (const Fixture& fixture : fixtures("servers.txt")) {
    if (fixture.stage < Stage::Mail || !fixture.reply.hard()) continue;
    const Classification classification = judge(fixture, own);
    INFO(fixture.place << ": " << classification.rule);
    // RFC 4954's codes stay what they are; else nothing is judged by what only an account can be told.
    const bool session =
        classification.rule.find("general rule") != std::string::npos && classification.scope == Scope::Relay;
    using enum Cause;
    const Cause cause = classification.cause;
    const bool of_account = cause == Auth || cause == Quota || cause == Account || cause == SenderNotAllowed;
    CHECK((classification.severity == Severity::Hard || session || !of_account));
  }
  const auto of = [&](const char* reply) { return class_of(judge({"", "", Stage::Rcpt, parsed(reply), ""}, own)); };
  CHECK(of("554 5.7.1 <r@example.org>: Relay access denied") == "unknown hard next");
  CHECK(of("550 5.7.1 your account has been suspended") == "unknown hard next");
  CHECK(of("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org") ==
        "relay soft next");
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
