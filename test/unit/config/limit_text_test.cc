#include "config/limit_text.h"

#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

TEST_CASE("limits are read as they are written") {
  struct Row {
    const char* text;
    std::uint64_t count;
    Counted counted;
    Period period;
    Span window;
    const char* zone;
  };
  const Row row = GENERATE(Row{"14/s", 14, Counted::Messages, Period::Rolling, 1s, ""},
                           Row{"30/m", 30, Counted::Messages, Period::Rolling, 1min, ""},
                           Row{"10000 recipients/24h", 10000, Counted::Recipients, Period::Rolling, 24h, ""},
                           Row{"100 messages / 1h30m", 100, Counted::Messages, Period::Rolling, 90min, ""},
                           Row{"1 recipient/500ms", 1, Counted::Recipients, Period::Rolling, 500ms, ""},
                           Row{"500/hour", 500, Counted::Messages, Period::Hour, 0s, ""},
                           Row{"500/day Europe/Berlin", 500, Counted::Messages, Period::Day, 0s, "Europe/Berlin"},
                           Row{"7 messages/week UTC", 7, Counted::Messages, Period::Week, 0s, "UTC"},
                           Row{"1000000000/month America/Argentina/Buenos_Aires", 1000000000, Counted::Messages,
                               Period::Month, 0s, "America/Argentina/Buenos_Aires"});
  const auto rule = parse_limit(row.text);
  REQUIRE(rule);
  CHECK(rule->count == row.count);
  CHECK(rule->counted == row.counted);
  CHECK(rule->period == row.period);
  CHECK(rule->window == row.window);
  CHECK(rule->zone == row.zone);
  CHECK(rule->text == row.text);
  CHECK_FALSE(rule->is_rate);
}

TEST_CASE("what is no limit says what is wrong with it") {
  const auto [text, part] = GENERATE(table<const char*, const char*>({
      {"", "names no time"},
      {"14", "names no time"},
      {"/s", "not a whole number"},
      {"0/s", "out of range"},
      {"-1/s", "not a whole number"},
      {"1.5/s", "not a whole number"},
      {"1000000001/s", "out of range"},
      {"14 mails/s", "\"mails\" cannot be counted"},
      {"14/", "is empty"},
      {"14/dya", "did you mean day?"},
      {"14/DAY", "did you mean day?"},
      {"14/second", "did you mean s?"},
      {"14/min", "did you mean m?"},
      {"14/months", "did you mean month?"},
      {"14/year", "did you mean 365d?"},
      {"14/fortnight", "\"fortnight\" is not a valid time; write a span such as s, 10m or 24h"},
      {"14/2weeks", "unknown unit \"weeks\""},
      {"14/367d", "is not a valid window"},
      {"14/0s", "is not a valid window"},
      {"14/24h UTC", "only hour, day, week and month have a time zone"},
      {"14/day ../../etc/passwd", "is not a valid time zone"},
      {"14/day /etc/localtime", "is not a valid time zone"},
      {"14/day Europe/Berlin CET", "is not a valid time zone"},
  }));
  CAPTURE(text);
  const auto rule = parse_limit(text);
  REQUIRE_FALSE(rule);
  CHECK(rule.error().find(part) != std::string::npos);
}

}  // namespace
}  // namespace relaypipe
