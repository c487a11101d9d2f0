#include "smtp/capabilities.h"

#include <string>
#include <vector>

#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::string_literals;

Capabilities announced(std::vector<std::string> lines) {
  lines.insert(lines.begin(), "mx.example greets you");
  return parse_capabilities(Reply{250, std::move(lines), {2, 0, 0}});
}

using Names = std::vector<std::string>;

TEST_CASE("what a relay announces is read") {
  const auto all =
      announced({"PIPELINING", "SIZE 10240000", "ETRN", "STARTTLS", "AUTH PLAIN LOGIN", "ENHANCEDSTATUSCODES",
                 "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING", "XFORWARD NAME ADDR PROTO HELO", "XCLIENT name addr"});
  CHECK(all.pipelining);
  CHECK(all.size);
  CHECK(all.size_limit == 10240000U);
  CHECK(all.starttls);
  CHECK(all.auth == Names{"PLAIN", "LOGIN"});
  CHECK(all.enhanced_status);
  CHECK(all.eight_bit_mime);
  CHECK(all.dsn);
  CHECK(all.smtputf8);
  CHECK(all.xforward == Names{"NAME", "ADDR", "PROTO", "HELO"});
  CHECK(all.xclient == Names{"NAME", "ADDR"});
}

TEST_CASE("nothing is announced by HELO, by the greeting, or by unknown keywords") {
  const Reply reply =
      GENERATE(Reply{250, {"mx.example"}, {2, 0, 0}}, Reply{250, {"PIPELINING STARTTLS"}, {2, 0, 0}}, Reply{},
               Reply{250, {"mx.example", "", "  ", "XPIPELINING", "STARTTLSX", "-STARTTLS", "SIZE=5"}, {2, 0, 0}});
  const auto all = parse_capabilities(reply);
  CHECK_FALSE((all.pipelining || all.size || all.size_limit || all.eight_bit_mime || all.smtputf8 || all.starttls));
  CHECK_FALSE((all.enhanced_status || all.dsn));
  CHECK(all.auth.empty());
  CHECK(all.xforward.empty());
}

TEST_CASE("case and blanks do not matter") {
  const auto all = announced({"pipelining", "  Size\t 99  ", "StartTLS ", "auth  plain\tcram-md5 ", "8bitmime\r"});
  CHECK(all.pipelining);
  CHECK(all.size_limit == 99U);
  CHECK(all.starttls);
  CHECK(all.auth == Names{"PLAIN", "CRAM-MD5"});
  CHECK(all.eight_bit_mime);
}

TEST_CASE("a size limit is a number above zero") {
  struct Row {
    const char* line;
    std::optional<std::uint64_t> expected;
  };
  const Row row = GENERATE(Row{"SIZE", std::nullopt}, Row{"SIZE 0", std::nullopt}, Row{"SIZE 1", 1U},
                           Row{"SIZE 18446744073709551615", UINT64_MAX}, Row{"SIZE 18446744073709551616", std::nullopt},
                           Row{"SIZE -1", std::nullopt}, Row{"SIZE 10M", std::nullopt}, Row{"SIZE +5", std::nullopt},
                           Row{"SIZE 5 more", 5U}, Row{"SIZE 0x10", std::nullopt});
  CAPTURE(row.line);
  const auto all = announced({row.line});
  CHECK(all.size);
  CHECK(all.size_limit == row.expected);
}

TEST_CASE("mechanisms are listed once, also those of old servers") {
  const Names expected{"PLAIN", "LOGIN", "XOAUTH2"};
  CHECK(announced({"AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN XOAUTH2"}).auth == expected);
  CHECK(announced({"AUTH=PLAIN LOGIN", "AUTH XOAUTH2"}).auth == expected);
  CHECK(announced({"AUTH"}).auth.empty());
  CHECK(announced({"AUTH="}).auth.empty());
  CHECK(announced({"AUTH PL\0AIN \xff LOGIN ="s}).auth == Names{"LOGIN"});
}

TEST_CASE("a stricter reader is given what we read") {
  const auto [line, strict] = GENERATE(Catch::Generators::table<std::string, std::string>({
      {"STARTTLS", "STARTTLS"},
      {"starttls", "STARTTLS"},
      {" StartTLS ", "STARTTLS"},
      {"STARTTLSX", ""},
      {"X-STARTTLS", ""},
      {"AUTH PLAIN LOGIN", "AUTH PLAIN LOGIN"},
      {"auth  plain\tLogin\r", "AUTH PLAIN LOGIN"},
      {"AUTH=PLAIN login", "AUTH PLAIN LOGIN"},
      {"auth=Plain", "AUTH PLAIN"},
      {"AUTH=", "AUTH"},
      {"AUTH PL@IN LOGIN", "AUTH LOGIN"},
      {"PIPELINING", ""},
      {"SIZE 1000", ""},
      {"", ""},
  }));
  INFO(line);
  CHECK(strict_ehlo_line(line) == strict);
  CHECK(strict_ehlo_line(line).size() <= line.size());
}

TEST_CASE("a discarded keyword was never said") {
  const std::vector<std::string> discarded{"PIPELINING", "AUTH", "STARTTLS"};
  const auto all = parse_capabilities(
      Reply{250, {"relay.example", "pipelining", "AUTH=PLAIN", "AUTH LOGIN", "StartTLS", "SIZE 9"}, {2, 0, 0}},
      discarded);
  CHECK_FALSE(all.pipelining);
  CHECK_FALSE(all.starttls);
  CHECK(all.auth.empty());
  CHECK(all.size_limit == 9);
  CHECK(strict_ehlo_line("starttls", discarded).empty());
  CHECK(strict_ehlo_line("AUTH=PLAIN", discarded).empty());
}

}  // namespace
}  // namespace relaypipe
