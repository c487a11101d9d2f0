#include "relay/units.h"

#include <limits>

#include "catch.h"

using namespace relaypipe;
using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

template <class Value>
std::string error_of(const Result<Value, std::string>& result) {
  return result ? "no error" : result.error();
}

}  // namespace

TEST_CASE("durations are read with their unit", "[units]") {
  const auto [text, span] = GENERATE(table<std::string, std::int64_t>({
      {"0", 0},
      {"0s", 0},
      {"500ms", 500},
      {"2s", 2'000},
      {"002s", 2'000},
      {"15m", 900'000},
      {"1h", 3'600'000},
      {"2d", 172'800'000},
      {"1h30m", 5'400'000},
      {"1d2h3m4s5ms", 93'784'005},
      {"1m500ms", 60'500},
      {"90m", 5'400'000},
      {"3650d", 315'360'000'000},
  }));
  const auto read = parse_duration(text);
  INFO(text);
  REQUIRE(read);
  CHECK(*read == milliseconds(span));
}

TEST_CASE("what is not a valid duration is refused with the reason", "[units]") {
  const std::string form = "; write a duration such as 30s or 2m (units ms, s, m, h, d)";
  const auto [text, problem] = GENERATE(table<std::string, std::string>({
      {"", "is empty"},
      {"30", "has no unit"},
      {"00", "has no unit"},
      {"1h30", "has no unit"},
      {"-5s", "is negative"},
      {"+5s", "is not a valid duration"},
      {" 5s", "is not a valid duration"},
      {"s", "is not a valid duration"},
      {"soon", "is not a valid duration"},
      {"5 s", "has the unknown unit \" s\""},
      {"5s ", "has the unknown unit \"s \""},
      {"5S", "has the unknown unit \"S\""},
      {"5w", "has the unknown unit \"w\""},
      {"1.5s", "has the unknown unit \".\""},
      {"1h-5m", "has the unknown unit \"h-\""},
      {"30m1h", "names its units twice or not from large to small"},
      {"1s1s", "names its units twice or not from large to small"},
      {"3651d", "is more than ten years"},
      {"3650d1ms", "is more than ten years"},
      {"99999999999999999999999s", "is more than ten years"},
      {"18446744073709551615ms", "is more than ten years"},
  }));
  CHECK(error_of(parse_duration(text)) == "\"" + text + "\" " + problem + form);
}

TEST_CASE("foreign octets in an error are cleaned and clipped", "[units]") {
  CHECK(error_of(parse_duration("5\x1B")).starts_with("\"5?\" has the unknown unit \"?\";"));
  CHECK(error_of(parse_duration(std::string(5000, '5'))).size() < 250);
}

TEST_CASE("durations are written as short as can be", "[units]") {
  const auto [span, text] = GENERATE(table<std::int64_t, std::string>({
      {0, "0"},
      {1, "1ms"},
      {1'000, "1s"},
      {1'500, "1500ms"},
      {60'000, "1m"},
      {90'000, "90s"},
      {900'000, "15m"},
      {3'600'000, "1h"},
      {5'400'000, "90m"},
      {86'400'000, "1d"},
      {86'461'000, "1d61s"},
      {3'661'000, "1h61s"},
      {315'360'000'000, "3650d"},
      {-2'000, "-2s"},
  }));
  CHECK(format_duration(milliseconds(span)) == text);
}

TEST_CASE("a written duration reads back as the same span", "[units]") {
  for (std::int64_t span = 1; span < 315'360'000'000; span = span * 3 + span % 7) {
    const auto read = parse_duration(format_duration(milliseconds(span)));
    INFO(span);
    REQUIRE(read);
    REQUIRE(*read == milliseconds(span));
  }
}

TEST_CASE("what is below a millisecond is not written", "[units]") {
  CHECK(format_duration(std::chrono::microseconds(2'999)) == "2ms");
}

TEST_CASE("octets are read with binary units", "[units]") {
  const auto [text, octets] = GENERATE(table<std::string, std::uint64_t>({
      {"0", 0},
      {"1048576", 1'048'576},
      {"512k", 524'288},
      {"512K", 524'288},
      {"10M", 10'485'760},
      {"10m", 10'485'760},
      {"2G", 2'147'483'648},
      {"1KiB", 1'024},
      {"1MiB", 1'048'576},
      {"1gib", 1'073'741'824},
      {"18446744073709551615", kMost},
  }));
  const auto read = parse_octets(text);
  INFO(text);
  REQUIRE(read);
  CHECK(*read == octets);
}

TEST_CASE("what is not a number of octets is refused with the reason", "[units]") {
  const std::string form = "; write a number of octets such as 1048576, 512k, 10M or 2G";
  const auto [text, problem] = GENERATE(table<std::string, std::string>({
      {"", "is not a number of octets"},
      {"M", "is not a number of octets"},
      {"-1", "is not a number of octets"},
      {" 1", "is not a number of octets"},
      {"1KB", "has the unknown unit \"KB\""},
      {"1 k", "has the unknown unit \" k\""},
      {"1.5M", "has the unknown unit \".5M\""},
      {"18446744073709551616", "is too large"},
      {"18014398509481984k", "is too large"},
      {"17179869184g", "is too large"},
  }));
  CHECK(error_of(parse_octets(text)) == "\"" + text + "\" " + problem + form);
}

TEST_CASE("counts are read within their bounds", "[units]") {
  CHECK(*parse_count("0", 0, 10) == 0);
  CHECK(*parse_count("10", 0, 10) == 10);
  CHECK(*parse_count("007", 0, 10) == 7);
  CHECK(*parse_count("18446744073709551615", 0, kMost) == kMost);
}

TEST_CASE("what is no count within the bounds is refused with the reason", "[units]") {
  const auto [text, problem] = GENERATE(table<std::string, std::string>({
      {"", "not a whole number"},
      {"-1", "not a whole number"},
      {"+1", "not a whole number"},
      {"1.5", "not a whole number"},
      {"5k", "not a whole number"},
      {"five", "not a whole number"},
      {"0", "out of range"},
      {"11", "out of range"},
      {"99999999999999999999999", "out of range"},
  }));
  CHECK(error_of(parse_count(text, 1, 10)) == "\"" + text + "\" is " + problem + "; write a whole number from 1 to 10");
  CHECK_FALSE(parse_count("18446744073709551616", 0, kMost));
}
