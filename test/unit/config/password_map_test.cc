#include "config/password_map.h"

#include <string>
#include <vector>

#include "catch.h"

using namespace relaypipe;

namespace {

/// `line key username password` or `line key !problem`, one per logical line.
std::string read(std::string_view text) {
  std::string shown;
  for (const MapAccount& account : parse_password_map(text)) {
    shown += std::to_string(account.line) + " " + account.key + " ";
    shown += account.problem.empty() ? account.username + " " + std::string(account.password.reveal())
                                     : "!" + account.problem.substr(0, account.problem.find(';'));
    shown += "\n";
  }
  return shown;
}

Destination destination(const std::string& text) {
  const auto list = parse_nexthop(
      text, [](std::string_view name) { return std::optional<std::uint16_t>(name == "smtp" ? 25 : 587); });
  REQUIRE(list);
  return list->front();
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a map is read as postmap reads it", "[password_map]") {
  struct Row {
    const char* text;
    const char* read;
  };
  const Row row = GENERATE(
      Row{"", ""}, Row{"\n\n  \n# all of it\n   # is a comment\n", ""},
      Row{"[mail.example.com]:587 user:secret\n", "1 [mail.example.com]:587 user secret\n"},
      Row{"a user:secret", "1 a user secret\n"}, Row{"A.Example\tuser:Secret\n", "1 a.example user Secret\n"},
      Row{"a   user:se:cr:et:  \t\r\n", "1 a user se:cr:et:\n"}, Row{"a user:two words\n", "1 a user two words\n"},
      Row{"a user@example.com:x#y\n", "1 a user@example.com x#y\n"},
      // Continued, with a comment and an empty line between, which end nothing.
      Row{"\n# c\na\n# c\n\n   user:secret\nb u:p\n", "3 a user secret\n7 b u p\n"},
      Row{"a user:one\r\n\ttwo\r\n", "1 a user one two\n"},
      Row{"\"a b\"@example.com u:p\n", "1 \"a b\"@example.com u p\n"},
      Row{"\"a\\\" b\"@c u:p\n", "1 \"a\\\" b\"@c u p\n"},
      // What is no account, each with its own reason, and the lines around it are read.
      Row{"a\nb u:p\n", "1 a !there is no username and password\n2 b u p\n"},
      Row{"a secret\n", "1 a !there is no \":\" between username and password\n"},
      Row{"a :secret\n", "1 a !the username is empty\n"}, Row{"a user:\n", "1 a !the password is empty\n"},
      Row{"\"a u:p\nb u:p\n", "1  !a double quote is not closed\n2 b u p\n"},
      Row{"a u:\x01p\n", "1 a !there is a control character in the username or password\n"},
      Row{"a u:p\nA u:q\nb u:r\n", "1 a u p\n2 a !the key stands in line 1 already, which counts\n3 b u r\n"});
  CAPTURE(std::string(row.text));
  CHECK(read(row.text) == row.read);
}

TEST_CASE("a problem of a map shows nothing of its values", "[password_map]") {
  for (const MapAccount& account : parse_password_map("a hunter2\nhost:user:hunter2\nb u:\x01hunter2\n\"c u:hunter2")) {
    CHECK_FALSE(account.problem.empty());
    CHECK(account.problem.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("the keys of an account come in Postfix's order", "[password_map]") {
  const Destination address = destination("[Mail.Example.com]:submission");
  CHECK(password_map_keys("", "mail.example.com", address) ==
        Words{"mail.example.com", "[mail.example.com]:submission", "[mail.example.com]:587"});
  CHECK(password_map_keys("User@Example.NET", "mail.example.com", address) ==
        Words{"user@example.net", "@example.net", "mail.example.com", "[mail.example.com]:submission",
              "[mail.example.com]:587"});
  CHECK(password_map_keys("User+News@Example.NET", "h", destination("h"), "+") ==
        Words{"user+news@example.net", "user@example.net", "@example.net", "h", "h:25"});
  CHECK(password_map_keys("user+news@example.net", "h", destination("h")) ==
        Words{"user+news@example.net", "@example.net", "h", "h:25"});
  // After MX lookup the server has another name than the destination.
  CHECK(password_map_keys("", "mx1.example.com", destination("example.com")) ==
        Words{"mx1.example.com", "example.com", "example.com:25"});
  CHECK(password_map_keys("", "mx1.example.com", destination("example.com:smtp")) ==
        Words{"mx1.example.com", "example.com:smtp", "example.com:25", "example.com"});
  CHECK(password_map_keys("", "a.example", destination("smtps:[a.example]")) ==
        Words{"a.example", "[a.example]", "[a.example]:465"});
  CHECK(password_map_keys("", "2001:db8::1", destination("[ipv6:2001:db8::1]:25")) ==
        Words{"2001:db8::1", "[ipv6:2001:db8::1]:25", "[ipv6:2001:db8::1]"});
}

TEST_CASE("the first key that has a line counts, even where that line is broken", "[password_map]") {
  const auto map = parse_password_map("[a]:25 u1:p\nhost u2:p\n@example.com u3:p\nx@example.com broken\n");
  const auto line = [&](const Words& keys) {
    const MapAccount* const found = find_account(map, keys);
    return found == nullptr ? 0U : found->line;
  };
  CHECK(line({"host", "[a]:25"}) == 2);
  CHECK(line({"nowhere", "[a]:25"}) == 1);
  CHECK(line({"x@example.com", "@example.com"}) == 4);
  CHECK(line({"y@example.com", "@example.com"}) == 3);
  CHECK(line({"nowhere"}) == 0);
}
