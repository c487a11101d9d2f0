#include "config/read_rewriting.h"

#include <string>

#include "catch.h"
#include "config/configuration.h"
#include "io/toml_document.h"

namespace relaypipe {
namespace {

struct Read {
  Configuration configuration;
  std::string text;
};

/// A relay `a` of those lines, the first of which is line 5, in a chain.
Read read(const std::string& lines) {
  Read read;
  std::vector<ConfigProblem> problems;
  auto document = parse_document("[chain.c]\ntiers = [[\"a\"]]\n[relay.a]\ndestination = \"[a]\"\n" + lines + "\n",
                                 "file", problems);
  REQUIRE(document);
  const auto no_port = [](std::string_view) { return std::nullopt; };
  read.configuration = read_configuration({*std::move(document)}, no_port, {}, problems);
  for (const ConfigProblem& problem : problems)
    read.text += problem.line() + "\n";
  return read;
}

std::string problems(const std::string& lines) { return read(lines).text; }

TEST_CASE("the three forms of a rewriting") {
  const Read found = read(
      "envelope_sender = \"Alerts@example.com\"\n"
      "header_from = { \"@A.example\" = \"@b.example\", \"x@y.example\" = \"z@w.example\" }");
  CHECK(found.text.empty());
  const SenderRewriting& rewriting = found.configuration.relay("a")->rewriting;
  CHECK(rewriting.envelope_sender.all == "Alerts@example.com");
  CHECK(rewriting.header_from.all.empty());
  REQUIRE(rewriting.header_from.rules.size() == 2);
  CHECK(rewriting.header_from.rules[0].pattern.text() == "@a.example");
  CHECK(rewriting.header_from.rules[0].target == "@b.example");
  const Read domain = read("envelope_sender = \"@b\xC3\xBC.example\"");
  CHECK(domain.text.empty());
  CHECK(domain.configuration.relay("a")->rewriting.envelope_sender.all == "@b\xC3\xBC.example");
  CHECK_FALSE(read("").configuration.relay("a")->rewriting.any());
}

TEST_CASE("a rewriting that is wrong says where and what to write") {
  struct Row {
    const char* lines;
    const char* text;
  };
  const Row row = GENERATE(values<Row>({
      {"envelope_sender = \"alerts\"",
       "file:5:19: error: [relay.a] envelope_sender: \"alerts\" has no domain; write an address such as "
       "\"alerts@example.com\", or \"@domain\"\n"},
      {"envelope_sender = \"\"",
       "file:5:19: error: [relay.a] envelope_sender: \"\" has no domain; write an address such as "
       "\"alerts@example.com\", or \"@domain\"\n"},
      {"header_from = \"<a@b.example>\"",
       "file:5:15: error: [relay.a] header_from: \"<a@b.example>\" is not an address that mail can have; write an "
       "address such as \"alerts@example.com\", or \"@domain\"\n"},
      {"header_from = \"@.b.example\"",
       "file:5:15: error: [relay.a] header_from: \"@.b.example\" has a malformed domain; write an address such as "
       "\"alerts@example.com\", or \"@domain\"\n"},
      {"header_from = \"a@b\xC3\xBC.example\"",
       "file:5:15: error: [relay.a] header_from: \"a@b\xC3\xBC.example\" is not ASCII; write its domain in the form "
       "xn--...; write an address such as \"alerts@example.com\", or \"@domain\"\n"},
      {"envelope_sender = 5",
       "file:5:19: error: [relay.a] envelope_sender: this is a number; write an address such as "
       "\"alerts@example.com\", or a table such as { \"@a.example\" = \"@b.example\" }\n"},
      {"envelope_sender = {}",
       "file:5:19: error: [relay.a] envelope_sender: the table is empty; leave the key out to rewrite nothing\n"},
      {"envelope_sender = { \"<>\" = \"a@b.example\" }",
       "file:5:21: error: [relay.a] envelope_sender: the null sender <> is never rewritten; leave it out\n"},
      {"envelope_sender = { \"@A.example\" = \"@b.example\", \"@a.example\" = \"@c.example\" }",
       "file:5:50: error: [relay.a] envelope_sender: \"@a.example\" is there already in other letter case\n"},
      {"envelope_sender = { \"@a.example\" = 1 }",
       "file:5:36: error: [relay.a] envelope_sender: this is a number; write an address such as "
       "\"alerts@example.com\", or \"@domain\"\n"},
  }));
  CAPTURE(std::string(row.lines));
  CHECK(problems(row.lines) == row.text);
  CHECK(problems("envelope_sender = { \"a.example\" = \"@b.example\" }").find("\"@\" is missing") != std::string::npos);
  CHECK(read("[defaults]\nheader_from = \"a@b.example\"").text.find("in [relay.NAME]") != std::string::npos);
}

TEST_CASE("rewriting that can change nothing is warned of") {
  CHECK(problems("senders = [\"<>\"]\nenvelope_sender = \"a@b.example\"") ==
        "file:6:1: warning: [relay.a] envelope_sender: the senders of this relay are <> alone, and bounces are never "
        "rewritten\n");
  const std::string senders = "senders = [\"@.a.example\", \"u@c.example\", \"<>\"]\n";
  CHECK(problems(senders + "envelope_sender = { \"@d.example\" = \"@b.example\" }") ==
        "file:6:1: warning: [relay.a] envelope_sender: \"@d.example\" is never rewritten: the senders of this relay "
        "leave it out\n");
  // From may have any address.
  CHECK(problems(senders + "header_from = { \"@d.example\" = \"@b.example\" }").empty());
  CHECK(problems(senders + "envelope_sender = { \"@x.a.example\" = \"@b.example\", \"@c.example\" = \"@b.example\" }")
            .empty());
  CHECK(problems("header_from = { \"@d.example\" = \"@D.example\", \"x@y.example\" = \"@y.example\" }") ==
        "file:5:1: warning: [relay.a] header_from: \"@d.example\" becomes itself\n"
        "file:5:1: warning: [relay.a] header_from: \"x@y.example\" becomes itself\n");
}

}  // namespace
}  // namespace relaypipe
