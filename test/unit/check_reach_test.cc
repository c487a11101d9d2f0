#include "config/check_reach.h"

#include "catch.h"
#include "config/judge_route.h"

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
}
