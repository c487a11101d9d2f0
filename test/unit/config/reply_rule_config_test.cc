// reply = [...] in a file: good rules, and what is said about others.
#include <string>
#include <vector>

#include "catch.h"
#include "config/configuration.h"
#include "io/pcre_matcher.h"
#include "io/toml_document.h"
#include "relay/provider.h"
#include "relay/reply_words.h"
#include "verdict/check_rules.h"

using namespace relaypipe;
using namespace std::chrono_literals;

namespace {

std::optional<std::uint16_t> no_port(std::string_view) { return std::nullopt; }

Configuration read(const std::string& file, std::string& text) {
  std::vector<ConfigProblem> problems;
  auto document = parse_document(file, "f", problems);
  REQUIRE(document);
  Configuration configuration = read_configuration({*document}, no_port, {}, problems);
  PcreMatcher matcher;
  check_patterns(configuration, matcher, problems);
  for (const ConfigProblem& problem : problems)
    text += problem.line() + "\n";
  return configuration;
}

const std::string kRelay = "[chain.c]\ntiers = [[\"a\"]]\n[relay.a]\ndestination = \"[a]:25\"\n";

}  // namespace

TEST_CASE("the rules of a relay come before those of [defaults]") {
  std::string text;
  const Configuration configuration =
      read("[defaults]\nreply = [{ match = 'plan|quota', means = \"quota\", until = \"00:00 UTC\" }]\n" + kRelay +
               "reply = [{ stage = \"rcpt\", code = 554, means = \"recipient\" },\n"
               "  { stage = [\"mail\", \"end_of_data\"], code = \"4XX\", status = \"x.7.x\", means = "
               "\"Sender-Not-Allowed\", "
               "until = \"1h30m\" }]\n",
           text);
  CHECK(text.empty());
  REQUIRE(configuration.replies.size() == 1);
  CHECK(configuration.replies[0].match == "plan|quota");
  CHECK(configuration.replies[0].until.kind == Until::Kind::UtcMidnight);
  const auto& rules = configuration.relay("a")->replies;
  REQUIRE(rules.size() == 3);
  CHECK(rules[0].stages == std::vector<Stage>{Stage::Rcpt});
  CHECK(rules[0].code == "554");
  CHECK(rules[0].means == Meaning{Scope::Recipient, Cause::Unknown});
  CHECK(rules[0].at.line == 7);
  CHECK(rules[1].stages == std::vector<Stage>{Stage::Mail, Stage::EndOfData});
  CHECK(rules[1].code == "4xx");
  CHECK(rules[1].status == "x.7.x");
  CHECK(rules[1].means == Meaning{Scope::RelaySender, Cause::SenderNotAllowed});
  CHECK(rules[1].until.span == 90min);
  CHECK(rules[2].means == Meaning{Scope::Relay, Cause::Quota});
}

TEST_CASE("a rule that is wrong says what is, and what is allowed") {
  struct Row {
    const char* rule;
    const char* problem;
  };
  const Row row = GENERATE(
      Row{"{ code = \"554\" }", "f:5:10: error: [relay.a] reply: there is no means; write means = \"quota\""},
      Row{"{ means = \"quota\" }", "f:5:10: error: [relay.a] reply: this rule would fit every reply"},
      Row{"{ code = \"554\", means = \"qouta\" }", "means: \"qouta\" is not a valid meaning; did you mean quota?"},
      Row{"{ stage = \"rctp\", means = \"quota\" }", "stage: \"rctp\" is not a stage with a reply; did you mean rcpt?"},
      Row{"{ stage = \"connect\", means = \"quota\" }", "stage: \"connect\" is not a stage with a reply"},
      Row{"{ stage = [], means = \"quota\" }", "stage: the array is empty"},
      Row{"{ stage = 5, means = \"quota\" }", "this is a number"},
      Row{"{ code = \"250\", means = \"quota\" }", "code: \"250\" is not a valid reply code of a refusal"},
      Row{"{ code = 5540, means = \"quota\" }", "code: \"5540\" is not a valid reply code"},
      Row{"{ status = \"5.7\", means = \"quota\" }", "status: \"5.7\" is not a valid enhanced status"},
      Row{"{ status = \"2.7.1\", means = \"quota\" }", "status: \"2.7.1\" is not a valid enhanced status"},
      Row{"{ match = \"\", means = \"quota\" }", "match: the expression is empty"},
      Row{"{ match = \"ab(c\", means = \"quota\" }",
          "f:5:20: error: reply: match: \"ab(c\" is not a valid regular expression: missing closing parenthesis at "
          "character 5"},
      Row{"{ match = 5, means = \"quota\" }", "this is a number"},
      Row{"{ code = \"554\", means = \"quota\", until = \"tomorrow\" }",
          "until: \"tomorrow\" is not a valid time; write a duration"},
      Row{"{ code = \"554\", means = \"quota\", until = \"0s\" }", "until: \"0s\" is not a valid time"},
      Row{"{ code = \"554\", mean = \"quota\" }", "unknown key mean; did you mean means?"},
      Row{"5", "this is a number"});
  std::string text;
  read(kRelay + "reply = [" + row.rule + "]\n", text);
  CAPTURE(row.rule);
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring(row.problem));
}

TEST_CASE("a bad expression of [defaults] is told once, however many relays there are") {
  std::string text;
  read("[defaults]\nreply = [{ match = \"(\", means = \"quota\" }]\n" + kRelay, text);
  CHECK_THAT(text, Catch::Matchers::StartsWith("f:2:") &&
                       Catch::Matchers::ContainsSubstring("is not a valid regular expression"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
}

TEST_CASE("reply belongs to relays") {
  std::string text;
  read("reply = [{ code = \"554\", means = \"quota\" }]\n" + kRelay, text);
  CHECK_THAT(text,
             Catch::Matchers::ContainsSubstring("reply: does not belong here; write it in [defaults] or [relay.NAME]"));
}

TEST_CASE("the words for until and causes read themselves back") {
  for (const char* word : {"1d", "00:00 UTC", "next hour", "credentials", "90s"}) {
    const auto until = parse_until(word);
    REQUIRE(until);
    CHECK(until_text(*until) == word);
  }
  for (const std::string_view word : meaning_words()) {
    const auto meaning = find_meaning(word);
    REQUIRE(meaning);
    if (meaning->cause != Cause::Unknown) CHECK(cause_name(meaning->cause) == word);
  }
}

TEST_CASE("providers are recognised by the names of their hosts") {
  struct Row {
    const char* host;
    const char* provider;
  };
  const Row row =
      GENERATE(Row{"email-smtp.eu-west-1.amazonaws.com", "ses"}, Row{"email-smtp-fips.us-east-1.amazonaws.com", "ses"},
               Row{"email-smtp..amazonaws.com.evil.example", ""}, Row{"inbound-smtp.eu-west-1.amazonaws.com", ""},
               Row{"smtp.office365.com", "m365"}, Row{"smtp-hve.office365.com", "m365-hve"},
               Row{"example-com.mail.protection.outlook.com", "eop"}, Row{"mail.protection.outlook.com", ""},
               Row{"smtp.gmail.com", "gmail"}, Row{"smtp-relay.gmail.com", "workspace-relay"},
               Row{"smtp.zoho.eu", "zoho"}, Row{"smtp.zoho.com.au", "zoho"}, Row{"smtp.mailgun.org", "mailgun"},
               Row{"xsmtp.mailgun.org", ""}, Row{"smtp.sendgrid.net", "sendgrid"}, Row{"192.0.2.1", ""}, Row{"", ""});
  const Provider* const provider = recognise_provider(row.host);
  CAPTURE(row.host);
  CHECK(std::string(provider == nullptr ? "" : provider->name) == row.provider);
}

TEST_CASE("the list of providers is in order, and what it says can be used") {
  std::string_view last;
  for (const Provider& provider : providers()) {
    CHECK(last < provider.name);
    last = provider.name;
    CHECK(find_provider(provider.name) == &provider);
    const bool ceilings = !provider.rate.empty() || !provider.quota.empty() || !provider.connections.empty();
    if (ceilings) CHECK_FALSE(provider.source.empty());
    CHECK(provider.token_endpoint.empty() == provider.scope.empty());
  }
}
