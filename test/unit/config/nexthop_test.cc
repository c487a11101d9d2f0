#include "config/nexthop.h"

#include "catch.h"

namespace relaypipe {
namespace {

using Catch::Matchers::ContainsSubstring;

const ServicePort kNoService = [](std::string_view) { return std::nullopt; };

/// Chains `outbound` and `bulk`, relay `ses`.
Configuration configured() {
  Configuration configuration;
  for (const char* name : {"outbound", "bulk"})
    configuration.chains[name].name = name;
  configuration.relays["ses"].name = "ses";
  return configuration;
}

std::string error_of(const Configuration& configuration, std::string_view text) {
  const auto found = find_nexthop(configuration, text, kNoService);
  return found ? "" : found.error();
}

TEST_CASE("a chain is found by its name, blanks around it ignored") {
  const Configuration configuration = configured();
  const char* const text = GENERATE("outbound", " outbound", "outbound ", "\toutbound");
  CAPTURE(text);
  const auto found = find_nexthop(configuration, text, kNoService);
  REQUIRE(found);
  REQUIRE(found->chain != nullptr);
  CHECK(found->chain->name == "outbound");
  CHECK(chain_named(configuration, text) == found->chain);
}

TEST_CASE("a list is found with all its destinations") {
  const auto found = find_nexthop(configured(), "[r1.example]:587, example.com smtps:r2.example", kNoService);
  REQUIRE(found);
  CHECK(found->chain == nullptr);
  CHECK(found->destinations.size() == 3);
  const char* const text = GENERATE("[localhost]", "[outbound]:587", "localhost:2525", "192.0.2.1", "example.com",
                                    "example.", "srv:example.com", "[ipv6:2001:db8::1]");
  CAPTURE(text);
  CHECK(find_nexthop(configured(), text, kNoService));
}

TEST_CASE("a bare name that is no chain is an error and never a host") {
  struct Row {
    std::string_view nexthop;
    std::string_view told;
  };
  const auto row = GENERATE(
      Row{"outbuond",
          "there is no chain \"outbuond\"; did you mean outbound?; a host of that name is written "
          "[outbuond]"},
      Row{"Outbound", "did you mean outbound?"}, Row{"OUTBOUND", "did you mean outbound?"},
      Row{" outbuond", "did you mean outbound?"}, Row{"outbound_", "did you mean outbound?"},
      Row{"\"outbound\"", "did you mean outbound?"}, Row{"localhost", "the chains are bulk, outbound"},
      Row{"localhost", "a host of that name is written [localhost]"}, Row{"ses", "it is a relay"},
      Row{"outbound,[r2.example]:587", "destination 1 of 2, \"outbound\": a chain stands alone"},
      Row{"[r2.example]:587 outbuond", "destination 2 of 2, \"outbuond\": a name without a dot is not a destination"},
      Row{"outbound bulk", "destination 1 of 2, \"outbound\": a chain stands alone"},
      Row{"smtp:outbound", "a chain is written without a prefix and a port: write outbound"},
      Row{"outbound:587", "a host of that name is written [outbound]"}, Row{"srv:Outbound", "write outbound"},
      Row{"r.example, bulk:25", "destination 2 of 2, \"bulk:25\": a chain is written"}, Row{"587", "number"});
  CAPTURE(row.nexthop);
  CHECK_THAT(error_of(configured(), row.nexthop), ContainsSubstring(std::string(row.told)));
}

TEST_CASE("without chains, and without a file, the error says so") {
  Configuration none;
  CHECK_THAT(error_of(none, "outbound"),
             ContainsSubstring("there is no chain \"outbound\"; the configuration has no chains"));
  none.missing_file = "/etc/relaypipe/relaypipe.toml";
  CHECK_THAT(error_of(none, "outbound"),
             ContainsSubstring("there is no chain \"outbound\", since there is no configuration file "
                               "/etc/relaypipe/relaypipe.toml"));
}

}  // namespace
}  // namespace relaypipe
