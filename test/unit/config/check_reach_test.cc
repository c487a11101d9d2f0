#include "config/check_reach.h"

#include "catch.h"
#include "postfix/judge_route.h"

using namespace relaypipe;

namespace {

using Patterns = std::vector<std::string>;

AddressPattern pattern(const std::string& text) {
  auto parsed = parse_address_pattern(text);
  REQUIRE(parsed);
  return *parsed;
}

/// Chain `a` has the relay `r`; its rules lead to `b`, which has only `other`.
Configuration configuration(const Patterns& senders, const Patterns& rules) {
  Configuration result;
  for (const char* const name : {"r", "other"}) {
    RelayConfig relay;
    relay.name = name;
    result.relays.emplace(name, relay);
  }
  for (const std::string& text : senders)
    result.relays.at("r").senders.push_back(pattern(text));
  ChainConfig a;
  a.name = "a";
  a.tiers = {{"r"}, {"other"}};
  for (const std::string& text : rules)
    a.by_sender.push_back({pattern(text), "b", {}});
  ChainConfig b;
  b.name = "b";
  b.tiers = {{"other"}};
  result.chains.emplace("a", a);
  result.chains.emplace("b", b);
  return result;
}

std::size_t unreachable(const Configuration& configuration) {
  std::vector<ConfigProblem> problems;
  find_unreachable(configuration, problems);
  return problems.size();
}

}  // namespace

TEST_CASE("a pattern covers the narrower ones", "[address_pattern]") {
  const auto [wide, narrow, covers] = GENERATE(table<std::string, std::string, bool>({
      {"@x.example", "@x.example", true},
      {"@x.example", "a@x.example", true},
      {"a@x.example", "@x.example", false},
      {"@.x.example", "@x.example", false},
      {"@.x.example", "@y.x.example", true},
      {"@.x.example", "a@y.x.example", true},
      {"@.x.example", "@.y.x.example", true},
      {"@.y.x.example", "@.x.example", false},
      {"@x.example", "@.x.example", false},
      {"<>", "<>", true},
      {"<>", "@x.example", false},
      {"@x.example", "<>", false},
  }));
  INFO(wide << " " << narrow);
  CHECK(pattern(wide).covers(pattern(narrow)) == covers);
}

TEST_CASE("a relay whose senders are all sent elsewhere gets no mail", "[check_reach]") {
  CHECK(unreachable(configuration({"@x.example"}, {"@x.example"})) == 1);
  CHECK(unreachable(configuration({"a@x.example", "<>"}, {"@x.example", "<>"})) == 1);
  CHECK(unreachable(configuration({"@x.example", "<>"}, {"@x.example"})) == 0);
  CHECK(unreachable(configuration({}, {"@x.example"})) == 0);
  CHECK(unreachable(configuration({"@x.example"}, {})) == 0);
}

TEST_CASE("a relay whose recipients are all sent elsewhere gets no mail", "[check_reach]") {
  Configuration found = configuration({}, {});
  found.relays.at("r").recipients = {pattern("@x.example")};
  CHECK(unreachable(found) == 0);
  found.chains.at("a").by_recipient.push_back({pattern("@x.example"), "b", {}});
  std::vector<ConfigProblem> problems;
  find_unreachable(found, problems);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].severity == ConfigProblem::Severity::Warning);
  CHECK(problems[0].text == "[relay.r] gets no mail: by_recipient of [chain.a] sends all its recipients elsewhere");
  found.relays.at("r").recipients.push_back(pattern("@y.example"));
  CHECK(unreachable(found) == 0);
  // A relay of last resort is a relay of the chain too.
  found.relays.at("r").recipients.pop_back();
  found.chains.at("a").tiers = {{"other"}};
  CHECK(unreachable(found) == 0);
  found.chains.at("a").fallback = {"r"};
  CHECK(unreachable(found) == 1);
}

TEST_CASE("one chain that gives it mail is enough", "[check_reach]") {
  Configuration both = configuration({"@x.example"}, {"@x.example"});
  both.chains.at("b").tiers.push_back({"r"});
  CHECK(unreachable(both) == 0);
}

TEST_CASE("a chain that only rules lead to has only their senders", "[check_reach]") {
  Configuration found = configuration({}, {"@x.example"});
  found.relays.at("other").senders = {pattern("@y.example")};
  found.chains.at("a").tiers = {{"r"}};
  const auto count = [&](const std::set<std::string, std::less<>>& named) {
    std::vector<ConfigProblem> problems;
    find_unreachable_from(found, named, problems);
    return problems.size();
  };
  CHECK(count({"a"}) == 1);
  CHECK(count({"a", "b"}) == 0);
  found.relays.at("other").senders.push_back(pattern("b@x.example"));
  CHECK(count({"a"}) == 0);
  found.relays.at("other").senders.pop_back();
  found.chains.at("a").policy = "unix:/run/x";  // it may name any chain
  CHECK(count({"a"}) == 0);
}

TEST_CASE("a chain that a recipient's rule leads to gets mail of any sender", "[check_reach]") {
  Configuration found = configuration({}, {"@x.example"});
  found.relays.at("other").senders = {pattern("@y.example")};
  found.chains.at("a").tiers = {{"r"}};
  std::vector<ConfigProblem> problems;
  find_unreachable_from(found, {"a"}, problems);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].text ==
        "[relay.other] gets no mail: only by_sender leads to [chain.b], and for none of the relay's senders");
  problems.clear();
  found.chains.at("a").by_recipient.push_back({pattern("@z.example"), "b", {}});
  find_unreachable_from(found, {"a"}, problems);
  CHECK(problems.empty());
}

TEST_CASE("a nexthop is a chain or a list", "[judge_route]") {
  const Configuration known = configuration({}, {});
  const ServicePort none = [](std::string_view) { return std::nullopt; };
  const auto wrong = [&](const std::string& value) {
    const auto finding = judge_route(parse_route(value, "default_transport"), known, none);
    return finding ? finding->text : std::string();
  };
  for (const char* const right : {"relaypipe", "relaypipe:", "relaypipe:a", "relaypipe:[mailhost]",
                                  "relaypipe:x.example", "relaypipe:192.0.2.1", "relaypipe:[x.example]:25,[y.example]"})
    CHECK(wrong(right).empty());
  CHECK(wrong("relaypipe:mailhost").find("the chains are a, b") != std::string::npos);
  CHECK(wrong("relaypipe:[x.example").find("\"]\" is missing") != std::string::npos);
  CHECK(judge_route(parse_route("relaypipe:out", "x"), Configuration(), none)->text ==
        "relaypipe:out names no chain: the configuration has no chains");
}

TEST_CASE("a nexthop that is nearly a chain is fixed by the command that writes it", "[judge_route]") {
  Configuration known = configuration({}, {});
  known.chains.emplace("outbound", known.chains.at("a"));
  const ServicePort none = [](std::string_view) { return std::nullopt; };
  PostfixRoute route = parse_route("relaypipe:outbund", "default_transport");
  CHECK(route.service == "relaypipe");
  CHECK(route.nexthop == "outbund");
  // In a table there is no command that writes one entry.
  const auto in_table = judge_route(route, known, none);
  REQUIRE(in_table);
  CHECK(in_table->text == "relaypipe:outbund names no chain: did you mean outbound?");
  CHECK(in_table->where == "default_transport");
  CHECK(in_table->fix.empty());
  route.edit = "postconf -e";
  route.parameter = "default_transport";
  CHECK(judge_route(route, known, none)->fix == "postconf -e default_transport=relaypipe:outbound");
  route.nexthop = "[far.away";  // nothing to be meant
  CHECK(judge_route(route, known, none)->fix.empty());
}
