#include "base/printable.h"

#include <string>
#include <string_view>

#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::string_view_literals;

struct Row {
  std::string_view text;
  std::string_view expected;
};

TEST_CASE("foreign text becomes one safe line") {
  const Row row =
      GENERATE(Row{"", ""}, Row{"plain text", "plain text"}, Row{"a\tb\r\nc\vd\fe", "a b  c d e"},
               Row{"nul \0 in it"sv, "nul ? in it"}, Row{"\x1b[31mred", "?[31mred"}, Row{"\x7f", "?"},
               Row{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
               Row{"\xe2\x82\xac \xf0\x9f\x93\xa7", "\xe2\x82\xac \xf0\x9f\x93\xa7"}, Row{"latin \xfc!", "latin ?!"});
  CHECK(printable(row.text) == row.expected);
}

TEST_CASE("octets that are not valid UTF-8 become question marks") {
  const Row row =
      GENERATE(Row{"\xc3", "?"}, Row{"\xc3(", "?("}, Row{"\x80", "?"}, Row{"\xc0\xaf", "??"},  // overlong '/'
               Row{"\xe0\x80\xaf", "???"}, Row{"\xed\xa0\x80", "???"},                         // overlong; a surrogate
               Row{"\xf0\x80\x80\xaf", "????"}, Row{"\xf4\x90\x80\x80", "????"},  // overlong; beyond U+10FFFF
               Row{"\xf5\x80\x80\x80", "????"}, Row{"\xe2\x82", "??"}, Row{"\xe2\x82z", "??z"}, Row{"\xc2\x85", "?"},
               Row{"\xc2\xa0", "\xc2\xa0"});  // C1 next line; no-break space
  CHECK(printable(row.text) == row.expected);
}

TEST_CASE("no octet makes a second line or a control sequence") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second)};
      for (const char c : printable(text)) {
        const auto octet = static_cast<unsigned char>(c);
        if (octet < 0x20 || octet == 0x7f) FAIL("octet " << first << " " << second);
      }
    }
  }
}

TEST_CASE("a text is clipped between characters") {
  const std::string_view text = "a\xc3\xbc\xe2\x82\xac";  // 1, 2 and 3 octets
  CHECK(clip(text, 0).empty());
  CHECK(clip(text, 1) == "a");
  CHECK(clip(text, 2) == "a");
  CHECK(clip(text, 3) == "a\xc3\xbc");
  CHECK(clip(text, 4) == "a\xc3\xbc");
  CHECK(clip(text, 5) == "a\xc3\xbc");
  CHECK(clip(text, 6) == text);
  CHECK(clip(text, 100) == text);
  CHECK(clip("\x80\x80\x80", 2).empty());
}

TEST_CASE("lower case is ASCII's alone") {
  CHECK(lower("MAIL.Example.ORG [1]") == "mail.example.org [1]");
  CHECK(lower("\xc3\x9c@Z") == "\xc3\x9c@z");
  CHECK(lower("").empty());
}

}  // namespace
}  // namespace relaypipe
