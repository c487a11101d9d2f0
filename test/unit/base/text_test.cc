#include "base/text.h"

#include <string>

#include "catch.h"

using namespace relaypipe;

TEST_CASE("whitespace goes from both ends, and no other octet does", "[text]") {
  CHECK(trimmed("") == "");
  CHECK(trimmed(kWhitespace) == "");
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    CAPTURE(code);
    const bool white = kWhitespace.find(c) != kWhitespace.npos;
    CHECK(trimmed(std::string(2, c) + "a b" + c) == (white ? std::string("a b") : std::string(2, c) + "a b" + c));
    CHECK(has_control(std::string("a") + c) == (code < 0x20 || code == 0x7F));
  }
}

TEST_CASE("a word ends before a blank, which goes with it", "[text]") {
  std::string_view text = "a  bc";
  CHECK(next_word(text) == "a");
  CHECK(next_word(text) == "");
  CHECK(text == "bc");
  CHECK(next_word(text) == "bc");
  CHECK(text.empty());
  CHECK(next_word(text) == "");
}
