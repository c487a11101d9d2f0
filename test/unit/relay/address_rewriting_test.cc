#include "relay/address_rewriting.h"

#include <string>
#include <utility>
#include <vector>

#include "catch.h"

namespace relaypipe {
namespace {

AddressRewriting rules(const std::vector<std::pair<std::string, std::string>>& pairs) {
  AddressRewriting rewriting;
  for (const auto& [pattern, target] : pairs)
    rewriting.rules.push_back({*parse_address_pattern(pattern), target});
  return rewriting;
}

std::string made_of(const AddressRewriting& rewriting, std::string_view address, std::string_view delimiters = "") {
  const auto changed = rewritten(rewriting, *parse_sender(address), delimiters);
  return changed ? changed->text() : "stays";
}

TEST_CASE("one address for all") {
  const AddressRewriting rewriting{"alerts@example.com", {}};
  CHECK(rewriting.any());
  CHECK(rewriting.is_constant());
  CHECK(made_of(rewriting, "a@x.example") == "alerts@example.com");
  CHECK(made_of(rewriting, "postmaster") == "alerts@example.com");
  CHECK(made_of(rewriting, "<>") == "stays");
  CHECK(made_of(rewriting, "alerts@example.com") == "stays");
}

TEST_CASE("one domain for all") {
  const AddressRewriting rewriting{"@b.example", {}};
  CHECK_FALSE(rewriting.is_constant());
  CHECK(made_of(rewriting, "a+b@x.example") == "a+b@b.example");
  CHECK(made_of(rewriting, "\"a b\"@x.example") == "\"a b\"@b.example");
  CHECK(made_of(rewriting, "\"a@b\"@x.example") == "\"a@b\"@b.example");
  CHECK(made_of(rewriting, "postmaster") == "postmaster@b.example");
  CHECK(made_of(rewriting, "") == "stays");
}

TEST_CASE("the narrowest pattern decides") {
  const AddressRewriting rewriting = rules({{"@.example", "any@w.example"},
                                            {"@a.example", "@b.example"},
                                            {"x@a.example", "z@w.example"},
                                            {"y@a.example", "@own.example"}});
  CHECK(made_of(rewriting, "u@a.example") == "u@b.example");
  CHECK(made_of(rewriting, "X@A.example") == "z@w.example");
  CHECK(made_of(rewriting, "y@a.example") == "y@own.example");
  CHECK(made_of(rewriting, "u@c.example") == "any@w.example");
  CHECK(made_of(rewriting, "u@a.test") == "stays");
  CHECK_FALSE(rewriting.is_constant());
}

TEST_CASE("an address with an extension is looked for without it too") {
  const AddressRewriting rewriting = rules({{"@a.example", "@b.example"}, {"x@a.example", "z@w.example"}});
  CHECK(made_of(rewriting, "x+news@a.example") == "x+news@b.example");
  CHECK(made_of(rewriting, "x+news@a.example", "+") == "z@w.example");
  CHECK(made_of(rules({{"x+news@a.example", "n@w.example"}, {"x@a.example", "z@w.example"}}), "x+news@a.example",
                "+") == "n@w.example");
}

TEST_CASE("what becomes itself, or has no room, stays") {
  CHECK(made_of(rules({{"@a.example", "@a.example"}}), "x@a.example") == "stays");
  const std::string local(880, 'l');
  CHECK(made_of(AddressRewriting{"@a-very-long-name.example", {}}, local + "@a.example") == "stays");
  CHECK_FALSE(AddressRewriting().any());
  CHECK_FALSE(SenderRewriting().any());
}

}  // namespace
}  // namespace relaypipe
