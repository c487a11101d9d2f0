#include "smtp/enhanced_status.h"

#include <string_view>

#include "catch.h"

namespace relaypipe {
namespace {

TEST_CASE("an enhanced status is read where it begins a text") {
  struct Row {
    std::string_view text;
    EnhancedStatus expected;
  };
  const Row row = GENERATE(Row{"2.0.0 Ok", {2, 0, 0}}, Row{"4.7.1", {4, 7, 1}}, Row{"5.1.1\tno such user", {5, 1, 1}},
                           Row{"5.999.999 x", {5, 999, 999}}, Row{"5.1.1\r\n", {5, 1, 1}},
                           Row{"5.01.010 x", {5, 1, 10}}, Row{"4.3.2 ", {4, 3, 2}});
  CAPTURE(row.text);
  const auto status = parse_enhanced_status(row.text);
  REQUIRE(status);
  CHECK(*status == row.expected);
}

TEST_CASE("what is not an enhanced status is not taken for one") {
  const std::string_view text = GENERATE("", "5", "5.", "5.1", "5.1.", "5..1", "3.1.1", "1.1.1", "6.1.1", "x.1.1",
                                         " 5.1.1", "55.1.1", "5.1.1-text", "5.1.1.1", "5.1.1:", "5.1000.1 x",
                                         "5.1.1000 x", "5,1,1 x", "5.a.1", "5.1.a", "-5.1.1", "5.+1.1");
  CAPTURE(text);
  CHECK_FALSE(parse_enhanced_status(text));
}

TEST_CASE("an enhanced status is written as D.S.N and can be softened") {
  const EnhancedStatus hard{5, 7, 26};
  CHECK(hard.text() == "5.7.26");
  CHECK(hard.as_soft().text() == "4.7.26");
  CHECK(EnhancedStatus{}.text() == "4.0.0");
}

}  // namespace
}  // namespace relaypipe
