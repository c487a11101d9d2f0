#include "message/address.h"

#include <string>
#include <string_view>

#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::string_view_literals;

struct Row {
  std::string_view given;
  std::string_view expected;
};

TEST_CASE("a valid address goes out as it came") {
  const std::string_view text =
      GENERATE("user@example.com", "first.last+tag@mail.example.org", "u@localhost", "#!$%&'*+-/=?^_`{|}~@example.com",
               "\"a b\"@example.com", "\"a\\\"b\"@example.com", "\"a@b\"@example.com", "\"\"@example.com",
               "\"a..b\"@example.com", "\"plain\"@example.com", "\"back\\\\slash\"@example.com", "u@[192.0.2.1]",
               "u@[IPv6:2001:db8::1]", "-f@example.com", "u@under_score.example", "Postmaster", "postmaster",
               "b\xc3\xbc"
               "cher@b\xc3\xbc"
               "cher.example",
               "u@xn--bcher-kva.example");
  CAPTURE(text);
  const auto address = parse_address(text);
  REQUIRE(address);
  CHECK(address->text() == text);
  CHECK(address->path() == "<" + std::string(text) + ">");
  CHECK_FALSE(address->is_null());
}

// What pipe(8) gives without its flag `q`; the right side is what it gives with it.
TEST_CASE("a local part in Postfix's internal form is quoted where it must be") {
  const Row row = GENERATE(
      Row{"a b@example.com", R"("a b"@example.com)"}, Row{R"(a"b@example.com)", R"("a\"b"@example.com)"},
      Row{"a@b@example.com", R"("a@b"@example.com)"}, Row{"a..b@example.com", R"("a..b"@example.com)"},
      Row{"dot.@example.com", R"("dot."@example.com)"}, Row{".dot@example.com", R"(".dot"@example.com)"},
      Row{"@example.com", R"(""@example.com)"}, Row{R"(a\b@example.com)", R"("a\\b"@example.com)"},
      Row{"a,b@example.com", R"("a,b"@example.com)"}, Row{"a(b)@example.com", "\"a(b)\"@example.com"},
      Row{"a<b>c@example.com", R"("a<b>c"@example.com)"}, Row{"a:b;c[d]@example.com", R"("a:b;c[d]"@example.com)"},
      Row{"\xc3\xbc \xc3\xbc@example.com", "\"\xc3\xbc \xc3\xbc\"@example.com"},
      // These only look quoted.
      Row{R"("@example.com)", R"("\""@example.com)"}, Row{R"("a"b"@example.com)", R"("\"a\"b\""@example.com)"},
      Row{R"("a\"@example.com)", R"("\"a\\\""@example.com)"}, Row{R"("a"b@example.com)", R"("\"a\"b"@example.com)"},
      Row{R"("a@b@example.com)", R"("\"a@b"@example.com)"},
      // A source route would be a second address; it is part of the local part.
      Row{"@relay.example:user@example.com", R"("@relay.example:user"@example.com)"});
  CAPTURE(row.given);
  const auto address = parse_address(row.given);
  REQUIRE(address);
  CHECK(address->text() == row.expected);
  // What is quoted once stays as it is.
  const auto again = parse_address(address->text());
  REQUIRE(again);
  CHECK(*again == *address);
}

TEST_CASE("one pair of angle brackets and the root's dot are taken off") {
  const Row row = GENERATE(Row{"<u@example.com>", "u@example.com"}, Row{"<postmaster>", "postmaster"},
                           Row{"u@example.com.", "u@example.com"}, Row{"<u@example.com.>", "u@example.com"},
                           Row{"<<u@example.com>@example.org>", R"("<u@example.com>"@example.org)"},
                           Row{"<u@example.com", R"("<u"@example.com)"});
  const auto address = parse_address(row.given);
  REQUIRE(address);
  CHECK(address->text() == row.expected);
}

TEST_CASE("what cannot become a path says why") {
  const Row row = GENERATE(
      Row{"u@example.com\n", "holds a line feed"}, Row{"u\r\nRCPT TO:<x@y>@example.com", "holds a carriage return"},
      Row{"u\0@example.com"sv, "holds a NUL"}, Row{"u@exam\tple.com", "holds a control character"},
      Row{"\x7fu@example.com", "holds a control character"}, Row{"\"a\nb\"@example.com", "holds a line feed"},
      Row{"", "is empty"}, Row{"<>", "is empty"}, Row{"user", "has no domain"}, Row{"MAILER-DAEMON", "has no domain"},
      Row{"\"post\"master", "has no domain"}, Row{"u@", "has an empty domain"}, Row{"u@.", "has an empty domain"},
      Row{"u@.example.com", "has a malformed domain"}, Row{"u@example..com", "has a malformed domain"},
      Row{"u@example.com..", "has a malformed domain"}, Row{"u@exam ple.com", "has a malformed domain"},
      Row{"u@example.com>", "has a malformed domain"}, Row{"<<u@example.com>>", "has a malformed domain"},
      Row{"u@example.com:25", "has a malformed domain"}, Row{"u@exa\"mple.com", "has a malformed domain"},
      Row{"u@exa\\mple.com", "has a malformed domain"}, Row{"u@a,b", "has a malformed domain"},
      Row{"u@[]", "has a malformed domain"}, Row{"u@[1.2.3.4", "has a malformed domain"},
      Row{"u@1.2.3.4]", "has a malformed domain"}, Row{"u@[1.2.3.4]x", "has a malformed domain"},
      Row{"u@[a b]", "has a malformed domain"}, Row{"u@[a[b]", "has a malformed domain"},
      Row{"u@[\xc3\xbc]", "has a malformed domain"},
      // A relay could take the path to end there, and the rest for parameters.
      Row{"u@[x>NOTIFY=NEVER]", "has a malformed domain"}, Row{"u@[x<y]", "has a malformed domain"});
  CAPTURE(row.given);
  const auto address = parse_address(row.given);
  REQUIRE_FALSE(address);
  CHECK(address.error() == row.expected);
  CHECK_FALSE(parse_sender(std::string(row.given) + "@"));
}

TEST_CASE("no control octet and no line end gets into a path") {
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    for (const std::string& text : {std::string("a") + c + "b@example.com", std::string("a@exam") + c + "ple.com"}) {
      const auto address = parse_address(text);
      const bool control = octet < 0x20 || octet == 0x7f;
      if (control) CHECK_FALSE(address);
      if (address) CHECK(address->text().find_first_of("\r\n\t\0"sv) == std::string::npos);
    }
  }
}

TEST_CASE("an address is at most 900 octets long, its quotes counted") {
  const std::string domain = "@example.com";
  CHECK(parse_address(std::string(900 - domain.size(), 'a') + domain));
  const auto over = parse_address(std::string(901 - domain.size(), 'a') + domain);
  REQUIRE_FALSE(over);
  CHECK(over.error() == "is longer than 900 octets");
  CHECK_FALSE(parse_address(" " + std::string(899 - domain.size(), 'a') + domain));
}

TEST_CASE("the null sender has several spellings") {
  const std::string_view text = GENERATE("", "<>", "MAILER-DAEMON", "<MAILER-DAEMON>", "mailer-daemon");
  const auto sender = parse_sender(text);
  REQUIRE(sender);
  CHECK(sender->is_null());
  CHECK(sender->path() == "<>");
  CHECK(sender->domain().empty());
  CHECK_FALSE(sender->is_internationalized());
}

TEST_CASE("other senders are read as addresses") {
  CHECK(parse_sender("MAILER-DAEMON@example.com")->text() == "MAILER-DAEMON@example.com");
  CHECK(parse_sender("a b@example.com")->text() == "\"a b\"@example.com");
  CHECK_FALSE(parse_sender("user"));
  CHECK_FALSE(parse_sender("\n"));
}

TEST_CASE("an address tells its domain and whether it needs SMTPUTF8") {
  CHECK(parse_address("u@Example.COM")->domain() == "Example.COM");
  CHECK(parse_address("\"a@b\"@[192.0.2.1]")->domain() == "[192.0.2.1]");
  CHECK(parse_address("postmaster")->domain().empty());
  CHECK_FALSE(parse_address("u@example.com")->is_internationalized());
  CHECK(parse_address("\xc3\xbc@example.com")->is_internationalized());
  CHECK(parse_address("u@b\xc3\xbc"
                      "cher.example")
            ->is_internationalized());
}

}  // namespace
}  // namespace relaypipe
