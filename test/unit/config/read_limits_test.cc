#include "config/read_limits.h"

#include "catch.h"
#include "config/configuration.h"
#include "io/toml_document.h"
#include "relay/provider.h"

using namespace relaypipe;
using namespace std::chrono_literals;

namespace {

struct Read {
  Limits limits;
  std::string problems;  ///< a line each
};

/// The limits of a relay with these lines, the first of which is line 5 of the file.
Read read(const std::string& lines, const std::string& destination = "[mail.example.com]:587") {
  std::vector<ConfigProblem> problems;
  auto document = parse_document(
      "[chain.c]\ntiers = [[\"a\"]]\n[relay.a]\ndestination = \"" + destination + "\"\n" + lines + "\n", "f", problems);
  REQUIRE(document);
  const Configuration configuration = read_configuration(
      {*document}, [](std::string_view) { return std::nullopt; }, {}, problems);
  Read read{configuration.relay("a")->limits, {}};
  for (const ConfigProblem& problem : problems)
    read.problems += problem.line() + "\n";
  return read;
}

Limits good(const std::string& lines, const std::string& destination = "[mail.example.com]:587") {
  const Read result = read(lines, destination);
  CHECK(result.problems.empty());
  return result.limits;
}

/// The limits as text, rates with an `r` before them and published ones with a `*` behind.
std::string written(const Limits& limits) {
  std::string text;
  for (const LimitRule& rule : limits.rules) {
    text += rule.is_rate ? "r " : "";
    text += rule.text + (rule.at.file.empty() ? "*; " : "; ");
  }
  return text + std::to_string(limits.connections);
}

}  // namespace

TEST_CASE("a relay without limits has none", "[limits]") {
  CHECK_FALSE(good("").any());
  CHECK_FALSE(good("rate = \"none\"\nquota = \"None\"\nconnections = 0").any());
}

TEST_CASE("the limits of a relay", "[limits]") {
  const Limits limits = good(
      "rate = \"14/s\"\nquota = [\"10000 recipients/24h\", \"500/day Europe/Berlin\"]\nconnections = \"3\"\n"
      "reserve = { percent = 10, for = [\"@alerts.example.com\", \"<>\"] }");
  REQUIRE(limits.rules.size() == 3);
  CHECK(limits.rules[0].is_rate);
  CHECK(limits.rules[0].window == 1s);
  CHECK_FALSE(limits.rules[1].is_rate);
  CHECK(limits.rules[1].counted == Counted::Recipients);
  CHECK(limits.rules[1].window == 24h);
  CHECK(limits.rules[2].period == Period::Day);
  CHECK(limits.rules[2].zone == "Europe/Berlin");
  CHECK((limits.rules[2].at.line == 6 && limits.rules[2].at.column == 34));
  CHECK(limits.connections == 3);
  CHECK(limits.reserve.percent == 10);
  REQUIRE(limits.reserve.senders.size() == 2);
  CHECK(limits.reserve.senders[0].matches("root@alerts.example.com"));
  CHECK(limits.reserve.senders[1].matches(""));
}

TEST_CASE("limits that differ in what they count or over which time stand side by side", "[limits]") {
  CHECK(good("quota = [\"500/24h\", \"500 recipients/24h\", \"500/day\", \"500/day UTC\", \"500/1h\"]").rules.size() ==
        5);
  CHECK(written(good("rate = \"500/24h\"\nquota = \"500/24h\"")) == "r 500/24h; 500/24h; 0");
}

TEST_CASE("what a provider publishes holds where the relay sets nothing of its own", "[limits]") {
  const std::string host = "[smtp.office365.com]:587";
  CHECK(written(good("", host)) == "r 30/m*; 10000 recipients/24h*; 3");
  CHECK(written(good("provider = \"m365\"")) == "r 30/m*; 10000 recipients/24h*; 3");
  CHECK(written(good("quota = \"500/day UTC\"", host)) == "500/day UTC; r 30/m*; 3");
  CHECK(written(good("rate = \"none\"\nquota = \"none\"\nconnections = 0", host)) == "0");
  CHECK(written(good("provider = \"ses\"", host)) == "0");
  CHECK(good("reserve = { percent = 10, for = [\"<>\"] }", host).reserve.percent == 10);
}

TEST_CASE("what is published can be read", "[limits]") {
  for (const Provider& provider : providers()) {
    INFO(provider.name);
    const Limits limits = provider_limits(provider.name);
    const std::size_t rules = (provider.rate.empty() ? 0U : 1U) + (provider.quota.empty() ? 0U : 1U);
    CHECK(limits.rules.size() == rules);
    CHECK((limits.connections == 0) == provider.connections.empty());
    // A ceiling is a fact, and facts have a source.
    CHECK((!limits.any() || !provider.source.empty()));
  }
}

TEST_CASE("what is wrong with limits", "[limits]") {
  const std::string limit = "; write a limit such as \"14/s\", \"10000 recipients/24h\" or \"500/day Europe/Berlin\"\n";
  const std::string quota = "; write a limit such as \"10000 recipients/24h\", an array of them, or \"none\"\n";
  const auto [lines, problem] = GENERATE_COPY(table<std::string, std::string>({
      {"rate = 14", "8: error: [relay.a] rate: this is a number; write a string such as \"14/s\", or \"none\"\n"},
      {"rate = [\"1/s\"]",
       "8: error: [relay.a] rate: this is an array; write a string such as \"14/s\", or \"none\"\n"},
      {"rate = \"0/s\"",
       "8: error: [relay.a] rate: \"0/s\": \"0\" is out of range; write a whole number from 1 to 1000000000" + limit},
      {"rate = \"5/day\"",
       "8: error: [relay.a] rate: \"5/day\" is a quota; write it as quota, or a rate such as \"14/s\"\n"},
      {"rate = \"30/minute\"",
       "8: error: [relay.a] rate: \"30/minute\": \"minute\" is not a valid time; did you mean m?\n"},
      {"quota = true", "9: error: [relay.a] quota: this is true" + quota},
      {"quota = [5]", "10: error: [relay.a] quota: this is a number" + quota},
      {"quota = []", "9: error: [relay.a] quota: the array is empty; write quota = \"none\" for no limit\n"},
      {"quota = [\"none\"]", "10: error: [relay.a] quota: \"none\" names no time" + limit},
      {"quota = \"500 mails/h\"",
       "9: error: [relay.a] quota: \"500 mails/h\": \"mails\" cannot be counted; messages and recipients can" + limit},
      {"quota = [\"500/24h\", \"600 messages/1d\"]",
       "21: error: [relay.a] quota: \"600 messages/1d\" counts the same over the same time as \"500/24h\"; write only "
       "the smaller one\n"},
      {"quota = [\"5/day UTC\", \"5/day UTC\"]",
       "23: error: [relay.a] quota: \"5/day UTC\" counts the same over the same time as \"5/day UTC\"; write only the "
       "smaller one\n"},
      {"connections = -1",
       "15: error: [relay.a] connections: \"-1\" is not a whole number; write a whole number from 0 to 10000\n"},
      {"connections = 10001",
       "15: error: [relay.a] connections: \"10001\" is out of range; write a whole number from 0 to 10000\n"},
      {"connections = true",
       "15: error: [relay.a] connections: this is true; write a whole number from 1 to 10000, or 0 for no limit\n"},
      {"qouta = \"5/h\"", "1: error: [relay.a] qouta: unknown key; did you mean quota?\n"},
  }));
  INFO(lines);
  CHECK(read(lines).problems == "f:5:" + problem);
}

TEST_CASE("what is wrong with a reserve", "[limits]") {
  const std::string urgent = "; write an array of senders such as [\"@alerts.example.com\", \"<>\"]\n";
  const std::string percent = "write a whole number from 1 to 99\n";
  const std::string whole = "write { percent = 10, for = [\"@alerts.example.com\"] }\n";
  const auto [value, problem] = GENERATE_COPY(table<std::string, std::string>({
      {"10", "11: error: [relay.a] reserve: this is a number; " + whole},
      {"{ percent = 0, for = [\"<>\"] }", "23: error: [relay.a] reserve: percent: 0 is out of range; " + percent},
      {"{ percent = 100, for = [\"<>\"] }", "23: error: [relay.a] reserve: percent: 100 is out of range; " + percent},
      {"{ percent = 1.5, for = [\"<>\"] }",
       "23: error: [relay.a] reserve: percent: this is a number with a fraction; " + percent},
      {"{ percent = 10, for = \"<>\" }", "33: error: [relay.a] reserve: for: this is a string" + urgent},
      {"{ percent = 10, for = [] }", "33: error: [relay.a] reserve: for: the array is empty" + urgent},
      {"{ percent = 10, for = [7] }", "34: error: [relay.a] reserve: for: this is a number" + urgent},
      {"{ percent = 10, for = [\"x\"] }",
       "34: error: [relay.a] reserve: for: \"x\" is not a valid address pattern: \"@\" is missing; write user@domain, "
       "@domain, "
       "@.domain or <>\n"},
      {"{ for = [\"<>\"] }", "11: error: [relay.a] reserve: there is no percent; " + whole},
      {"{ percent = 10, fro = [\"<>\"] }",
       "11: error: [relay.a] reserve: there is no for; " + whole +
           "f:6:27: error: [relay.a] reserve: unknown key fro; did you mean for?\n"},
  }));
  INFO(value);
  CHECK(read("quota = \"500/24h\"\nreserve = " + value).problems == "f:6:" + problem);
}

TEST_CASE("a reserve is a part of a quota", "[limits]") {
  const std::string reserve = "reserve = { percent = 10, for = [\"<>\"] }";
  const std::string none = "error: [relay.a] reserve: there is no quota to keep a part of; write quota = \"500/24h\"\n";
  CHECK(read(reserve).problems == "f:5:1: " + none);
  CHECK(read("rate = \"5/s\"\n" + reserve).problems == "f:6:1: " + none);
  CHECK(read("quota = \"none\"\n" + reserve).problems == "f:6:1: " + none);
  // One cause, one problem.
  CHECK(read("quota = \"5/\"\n" + reserve).problems.find("no quota") == std::string::npos);
  CHECK(read("quota = [\"9/h\", \"1/m\"]\n" + reserve).problems ==
        "f:6:1: error: [relay.a] reserve: 10 percent of \"1/m\" leave nothing for other mail; keep less, or write a "
        "larger quota\n");
  CHECK(read("quota = \"2/h\"\n" + reserve).problems.empty());
}
