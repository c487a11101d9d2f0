#include "http/named_time.h"

#include <string>

#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

// 2025-08-25T07:00:02Z
constexpr WallTime kNow{std::chrono::seconds(1756105202)};

TEST_CASE("times in the forms of answers") {
  struct Row {
    std::string text;
    long seconds;  // since the epoch; -1: none
  };
  const Row row = GENERATE(values<Row>({
      {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
      {"Mon, 25 Aug 2025 07:00:31 UTC", 1756105231},
      {"Mon, 25 Aug 2025 07:00:31 +0000 and more", 1756105231},
      {"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
      {"2025-08-25T07:00:31Z", 1756105231},
      {"2025-08-25T07:00:31.022Z", 1756105231},
      {"2025-08-25T07:00:31", -1},
      {"2025-08-25T07:00:31+02:00", -1},
      {"2025-08-25 07:00:31Z", -1},
      {"2025-13-25T07:00:31Z", -1},
      {"2025-02-30T07:00:31Z", -1},
      {"2025-08-25T24:00:31Z", -1},
      {"2025-08-25T07:60:31Z", -1},
      {"1969-08-25T07:00:31Z", -1},
      {"Mon, 25 Aug 2025 07:00:31", -1},
      {"Mon, 25 Aug 2025 07:00:31 EST", -1},
      {"Mon, 25 Agu 2025 07:00:31 GMT", -1},
      {"Mon, 30 Feb 2025 07:00:31 GMT", -1},
      {"Mon, 5 Aug 2025 07:00:31 GMT", -1},
      {"Monday, 25-Aug-25 07:00:31 GMT", -1},
      {"Mon, 25 Aug", -1},
      {"", -1},
      {"120", -1},
  }));
  INFO(row.text);
  const auto time = parse_time(row.text);
  CHECK((time ? std::chrono::duration_cast<std::chrono::seconds>(time->time_since_epoch()).count() : -1) ==
        row.seconds);
}

TEST_CASE("for how long an answer asks to be left alone") {
  struct Row {
    std::string retry_after;
    std::string words;
    std::optional<std::chrono::seconds> wait;
  };
  const Row row = GENERATE(values<Row>({
      {"120", "", 120s},
      {" 1 ", "", 1s},
      {"604800", "", 604800s},
      {"604801", "", std::nullopt},
      {"0", "", std::nullopt},
      {"-5", "", std::nullopt},
      {"1.5", "", std::nullopt},
      {"99999999999", "", std::nullopt},
      {"Mon, 25 Aug 2025 07:01:02 GMT", "", 60s},
      {"Mon, 25 Aug 2025 06:00:00 GMT", "", std::nullopt},
      {"Mon, 25 Aug 2036 06:00:00 GMT", "", std::nullopt},
      {"", "Domain x is not allowed to send: recipient limit exceeded, try again after Mon, 25 Aug 2025 07:00:31 UTC",
       29s},
      {"", "User-rate limit exceeded.  Retry after 2025-08-25T08:00:02.000Z", 3600s},
      {"", "User-rate limit exceeded.  Retry after 2025-08-25T06:00:02.000Z", std::nullopt},
      {"", "retry after lunch", std::nullopt},
      {"10", "Retry after 2025-08-25T08:00:02.000Z", 10s},
      {"soon", "Retry after 2025-08-25T08:00:02.000Z", 3600s},
      {"", "", std::nullopt},
  }));
  INFO(row.retry_after << " / " << row.words);
  const auto wait = asked_wait(row.retry_after, row.words, kNow);
  CHECK(wait.has_value() == row.wait.has_value());
  if (wait && row.wait) CHECK(*wait == *row.wait);
}

TEST_CASE("a wait up to a named time is whole seconds") {
  CHECK(asked_wait("Mon, 25 Aug 2025 07:01:02 GMT", "", kNow + 331ms) == 60s);
  CHECK(asked_wait("10", "", kNow + 331ms) == 10s);
}

}  // namespace
}  // namespace relaypipe
