// Secrets in the wrong place: no message quotes them.
#include <string>
#include <vector>

#include "base/secret_keys.h"
#include "catch.h"
#include "command/arguments.h"
#include "config/configuration.h"
#include "config/setting_keys.h"
#include "io/toml_document.h"
#include "relay/destination.h"

using namespace relaypipe;

namespace {

std::optional<std::uint16_t> no_port(std::string_view) { return std::nullopt; }

/// All problems of a file, and of one `-o`.
std::string problems_of(const std::string& file, const std::vector<std::string>& overrides = {}) {
  std::vector<ConfigProblem> problems;
  std::vector<Document> documents;
  if (auto document = parse_document(file, "f", problems)) documents.push_back(*std::move(document));
  read_configuration(documents, no_port, overrides, problems);
  std::string text;
  for (const ConfigProblem& problem : problems)
    text += problem.line() + "\n";
  return text;
}

}  // namespace

TEST_CASE("no message quotes a secret that stands in the wrong place", "[secret]") {
  const std::string line = GENERATE(
      as<std::string>(), R"(password = "hunter2")", R"(passwd = "hunter2")", R"(pasword_file = "hunter2")",
      R"(password_file = "hunter2")", R"(password_file = ["hunter2"])",
      R"(password_file = "${CREDENTIALS_DIRECTORY}/hunter2/")", R"(password_command = "echo hunter2")",
      R"(password_command = ["hunter2"])", R"(password_command = { hunter = "hunter2" })",
      R"(password_map = "hunter2")", R"(tls_key_file = "hunter2")", R"(tls_cert_file = "hunter2")",
      R"(provider = "hunter2")", R"(tls_fingerprint = "hunter2")", R"(auth_mechanisms = "hunter2")",
      R"(allow_plaintext_auth = "user:hunter2")", R"(secret_timeout = "hunter2")", R"(oauth2 = "hunter2")",
      R"(sender_dependent = "hunter2")", R"(password = thunter2)", R"(password = fhunter2)", R"(password = nhunter2)",
      R"(password = 1hunter2)", R"(password = -hunter2)", R"(password = "a" hunter2)", R"(smtp_password = "hunter2")");
  const std::string oauth2 =
      GENERATE(as<std::string>(), "",
               "[relay.a.oauth2]\nclient_secret = \"hunter2\"\nrefresh_token = \"hunter2\"\n"
               "token_endpoint = \"http://u:hunter2@x/t\"\ntoken_file = \"hunter2\"\n"
               "client_secret_file = \"hunter2\"\ngrant = \"hunter2\"\nclient_id = [\"hunter2\"]\n"
               "scope = [\"hunter2\"]\ntoken_command = \"hunter2\"\nca_file = \"hunter2\"\n");
  const std::string told =
      problems_of("[relay.a]\ndestination = \"[mail.example.com]:587\"\nusername = \"u\"\n" + line + "\n" + oauth2);
  INFO(line);
  CHECK_FALSE(told.empty());
  CHECK(told.find("hunter2") == std::string::npos);
}

TEST_CASE("an integer in the place of a secret is not quoted", "[secret]") {
  CHECK(problems_of("[relay.a]\npassword = 12345678901234567890123\n").find("12345678") == std::string::npos);
  CHECK(problems_of("[relay.a]\npassword_file = 123456789\n").find("12345678") == std::string::npos);
}

TEST_CASE("no message quotes the user and password of a destination", "[secret]") {
  const std::string nexthop =
      GENERATE(as<std::string>(), "smtp://user:hunter2@mail.example.com:587", "user:hunter2@mail.example.com",
               "smtps:user:hunter2@[mail.example.com]:465", "user:hun,ter2@mail.example.com, [other.example]:25",
               "[user:hunter2@mail.example.com]:587");
  const auto list = parse_nexthop(nexthop, no_port);
  REQUIRE_FALSE(list);
  CHECK(list.error().find("hun") == std::string::npos);
  CHECK(list.error().find("ter2") == std::string::npos);
  for (const std::string& file :
       {"[relay.a]\ndestination = \"" + nexthop + "\"\n", "[chain.c]\ntiers = [[\"" + nexthop + "\"]]\n",
        "[relay.a]\ndestination = \"[m.example]:25\"\n[chain.c]\ntiers = [[\"a\"]]\nby_sender = { \"@x.example\" = \"" +
            nexthop + "\" }\n",
        "[relay.\"" + nexthop + "\"]\ndestination = \"[m.example]:25\"\n",
        "[relay.a]\ndestination = \"[m.example]:25\"\n[chain.c]\ntiers = [[\"a\"]]\npolicy = \"" + nexthop + "\"\n"}) {
    INFO(file);
    CHECK(problems_of(file).find("hunter2") == std::string::npos);
  }
}

TEST_CASE("no message quotes the value of a setting that is unknown or about secrets", "[secret]") {
  const std::string assignment =
      GENERATE(as<std::string>(), "password_file=hunter2", "passwd=hunter2", "password_map=hunter2", "=hunter2",
               "tls_key_file=hunter2", "secret_timeout=hunter2", "allow_plaintext_auth=hunter2", "colour=hunter2");
  RunSettings run;
  RelaySettings relay;
  const auto problem = apply_setting(run, relay, assignment);
  REQUIRE(problem);
  CHECK(problem->find("hunter2") == std::string::npos);
}

TEST_CASE("no message quotes the value of an option that is unknown", "[secret]") {
  const std::vector<std::string> words = GENERATE(std::vector<std::string>{"--password=hunter2", "--", "a@b"},
                                                  std::vector<std::string>{"-phunter2", "--", "a@b"});
  const auto arguments = parse_arguments(words);
  REQUIRE_FALSE(arguments);
  CHECK(arguments.error().find("hunter2") == std::string::npos);
}

TEST_CASE("a value that is quoted with its own quotation marks goes as a whole", "[secret]") {
  CHECK(without_value(R"("a"b"c" is wrong; write "x")", R"(a"b"c)") == R"(the value is wrong; write "x")");
  CHECK(without_value(R"("b" is wrong)", "a, b") == "the value is wrong");
  CHECK(without_value("nothing is quoted", "nothing") == "nothing is quoted");
}

TEST_CASE("a key for the secret itself is told where it belongs", "[secret]") {
  CHECK(problems_of("[relay.a]\ndestination = \"[m.example]:25\"\npassword = \"x\"\n").find("as password_file") !=
        std::string::npos);
}
