#include "relay/address_pattern.h"

#include <string>

#include "catch.h"

using namespace relaypipe;

namespace {

AddressPattern pattern(const std::string& text) {
  auto parsed = parse_address_pattern(text);
  INFO(text);
  REQUIRE(parsed);
  return *parsed;
}

std::string problem_of(const std::string& text) {
  const auto parsed = parse_address_pattern(text);
  return parsed ? "no problem" : parsed.error();
}

}  // namespace

TEST_CASE("a pattern matches the addresses it names and no others", "[address_pattern]") {
  const auto [text, address, matches] = GENERATE(table<std::string, std::string, bool>({
      {"user@example.com", "user@example.com", true},
      {"user@example.com", "USER@Example.COM", true},
      {"User@Example.com", "user@example.com", true},
      {"user@example.com", "user2@example.com", false},
      {"user@example.com", "user@sub.example.com", false},
      {"user@example.com", "", false},
      {"@example.com", "user@example.com", true},
      {"@example.com", "a@b@EXAMPLE.com", true},
      {"@example.com", "user@sub.example.com", false},
      {"@example.com", "user@notexample.com", false},
      {"@example.com", "example.com", false},
      {"@example.com", "postmaster", false},
      {"@example.com", "", false},
      {"@.example.com", "user@sub.example.com", true},
      {"@.example.com", "user@a.b.Example.com", true},
      {"@.example.com", "user@example.com", false},
      {"@.example.com", "user@.example.com", false},
      {"@.example.com", "user@notexample.com", false},
      {"@.example.com", "", false},
      {"<>", "", true},
      {"<>", "<>", false},
      {"<>", "user@example.com", false},
      {"user@[192.0.2.1]", "user@[192.0.2.1]", true},
      {"@b\xC3\xBC.example", "user@b\xC3\xBC.example", true},
  }));
  INFO(text << " " << address);
  CHECK(pattern(text).matches(address) == matches);
}

TEST_CASE("an address extension begins at the first delimiter", "[address_pattern]") {
  const auto [address, delimiters, plain] = GENERATE(Catch::Generators::table<std::string, std::string, std::string>({
      {"user+news@example.com", "+", "user@example.com"},
      {"user+a+b@example.com", "+", "user@example.com"},
      {"user-a+b@example.com", "+-", "user@example.com"},
      {"user+@example.com", "+", "user@example.com"},
      {"user+news", "+", "user"},
      {"user+news@example.com", "", ""},
      {"user+news@example.com", "-", ""},
      {"user@exam+ple.com", "+", ""},
      {"+news@example.com", "+", ""},
      {"\"user+news\"@example.com", "+", ""},
      {"Postmaster+x@example.com", "+", "Postmaster@example.com"},
      {"mailer-daemon@example.com", "-", ""},
      {"double-bounce@example.com", "-", ""},
      {"owner-list@example.com", "-", ""},
      {"list-request@example.com", "+-", ""},
      {"owner-list+x@example.com", "+", "owner-list@example.com"},
      {"", "+", ""},
  }));
  INFO(address << " " << delimiters);
  CHECK(without_extension(address, delimiters).value_or("") == plain);
}

TEST_CASE("quoting in the local part does not hide a mailbox", "[address_pattern]") {
  CHECK(pattern("user@example.com").matches("\"user\"@example.com"));
  CHECK(pattern("user@example.com").matches("\"us\\er\"@example.com"));
  CHECK(pattern("\"a b\"@example.com").matches("\"A b\"@example.com"));
  CHECK(pattern("\"a\\ b\"@example.com").matches("\"a b\"@example.com"));
  CHECK(pattern("\"a@b\"@example.com").matches("\"a@b\"@example.com"));
  CHECK_FALSE(pattern("user@example.com").matches("\"user@example.com"));
  CHECK_FALSE(pattern("user@example.com").matches("\"user \"@example.com"));
  CHECK_FALSE(pattern("user@example.com").matches("\"user\\\"@example.com"));
}

TEST_CASE("the narrower pattern has the greater precision", "[address_pattern]") {
  CHECK(pattern("a@b.example").precision() > pattern("@b.example").precision());
  CHECK(pattern("<>").precision() > pattern("@b.example").precision());
  CHECK(pattern("@b.example").precision() > pattern("@." + std::string(60, 'x') + ".example").precision());
  CHECK(pattern("@.a.example").precision() > pattern("@.example").precision());
  CHECK(pattern("@a.example").precision() == pattern("@b.long.example").precision());
}

TEST_CASE("patterns are equal without regard to case", "[address_pattern]") {
  CHECK(pattern("User@Example.com") == pattern("user@example.COM"));
  CHECK(pattern("User@Example.com").text() == "user@example.com");
  CHECK(pattern("<>").text().empty());
  CHECK_FALSE(pattern("@example.com") == pattern("@.example.com"));
}

TEST_CASE("what is no pattern is told with the forms there are", "[address_pattern]") {
  const auto [text, problem] = GENERATE(table<std::string, std::string>({
      {"", "it is empty"},
      {"example.com", "\"@\" is missing"},
      {"*", "\"@\" is missing"},
      {"user@", "the domain is missing"},
      {"@", "the domain is missing"},
      {"@.", "the domain is missing"},
      {"@..example.com", "the host name has an empty label"},
      {"@example.com.", "the host name has an empty label"},
      {"@.[192.0.2.1]", "\"[\" cannot be in a host name"},
      {"user@.example.com", "the host name has an empty label"},
      {"@*.example.com", "\"*\" cannot be in a host name"},
      {"@ex;ample.com", "\";\" cannot be in a host name"},
      {"@b\xC3\xBC..example", "the host name has an empty label"},
      {"@a@example.com", "there is a second \"@\" outside quotes"},
      {"\"a b@example.com", "the quotes do not enclose the local part"},
      {"a\"b\"@example.com", "the quotes do not enclose the local part"},
      {"a b@example.com", "there is a blank outside quotes"},
      {"a\n@example.com", "there is a control character"},
      {"<user@example.com>", "only the null sender is written with < and >"},
      {"<", "only the null sender is written with < and >"},
  }));
  INFO(text);
  const std::string found = problem_of(text);
  CHECK(found.find(" is not a valid address pattern: " + problem + "; write user@domain, @domain, @.domain or <>") !=
        std::string::npos);
  CHECK(found.find('\n') == std::string::npos);
}
