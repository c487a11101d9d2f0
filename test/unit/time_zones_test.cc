#include "io/time_zones.h"

#include <stdlib.h>

#include "catch.h"
#include "route/calendar.h"
#include "route/quota.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

WallTime at(int year, unsigned month, unsigned day, Span time = 0h) {
  return std::chrono::sys_days(std::chrono::year(year) / static_cast<int>(month) / static_cast<int>(day)) + time;
}

/// How long the day is in which that instant lies.
Span day_length(const std::string& zone, WallTime inside) {
  const WallTime end = period_end(Period::Day, zone, inside, zone_offset);
  return period_end(Period::Day, zone, end, zone_offset) - end;
}

TEST_CASE("zones are as far ahead of UTC as their clocks show, summer and winter") {
  CHECK(zone_offset("UTC", at(2026, 7, 1)) == 0h);
  CHECK(zone_offset("Europe/Berlin", at(2026, 1, 1)) == 1h);
  CHECK(zone_offset("Europe/Berlin", at(2026, 7, 1)) == 2h);
  CHECK(zone_offset("America/New_York", at(2026, 1, 1)) == -5h);
  CHECK(zone_offset("America/New_York", at(2026, 7, 1)) == -4h);
  CHECK(zone_offset("Asia/Kathmandu", at(2026, 7, 1)) == 5h + 45min);
  CHECK(zone_offset("Australia/Lord_Howe", at(2026, 1, 1)) == 11h);
  CHECK(zone_offset("Australia/Lord_Howe", at(2026, 7, 1)) == 10h + 30min);
}

TEST_CASE("asking for a zone leaves the process's own as it was") {
  setenv("TZ", ":Asia/Tokyo", 1);
  CHECK(zone_offset("Europe/Berlin", at(2026, 7, 1)) == 2h);
  CHECK(std::string(getenv("TZ")) == ":Asia/Tokyo");
  CHECK(zone_offset("", at(2026, 7, 1)) == 9h);
  unsetenv("TZ");
  CHECK(zone_offset("Europe/Berlin", at(2026, 1, 1)) == 1h);
  CHECK(getenv("TZ") == nullptr);
}

TEST_CASE("the day on which clocks change has 23 or 25 hours") {
  // The instant lies in the day before.
  CHECK(day_length("Europe/Berlin", at(2026, 3, 28, 12h)) == 23h);
  CHECK(day_length("Europe/Berlin", at(2026, 10, 24, 12h)) == 25h);
  CHECK(day_length("Europe/Berlin", at(2026, 6, 1, 12h)) == 24h);
  CHECK(day_length("America/New_York", at(2026, 3, 7, 12h)) == 23h);
  CHECK(day_length("America/New_York", at(2026, 10, 31, 12h)) == 25h);
  CHECK(day_length("Australia/Lord_Howe", at(2026, 4, 4, 0h)) == 24h + 30min);
}

TEST_CASE("a quota of the day rolls at midnight of its zone, also when clocks change") {
  const Limits limits{{{false, 1, Counted::Messages, Period::Day, {}, "Europe/Berlin", "1/day Europe/Berlin"}}, 0, {}};
  Allowance allowance;
  const Owner us{1, 1, 1};
  // 2026-10-25 begins at 22:00 UTC of the 24th and ends, an hour late, at 23:00 UTC.
  WallTime now = settle(allowance, limits, at(2026, 10, 24, 22h), zone_offset);
  const Claim claim{us, now + 15min, 1, false};
  REQUIRE_FALSE(exhausted(allowance, limits, claim, now, zone_offset));
  take(allowance, limits, claim, now);
  count(allowance, limits, us, 1, now, zone_offset);
  now = settle(allowance, limits, at(2026, 10, 25, 22h + 59min), zone_offset);
  const auto why = exhausted(allowance, limits, claim, now, zone_offset);
  REQUIRE(why);
  CHECK(why->free_at == at(2026, 10, 25, 23h));
  now = settle(allowance, limits, at(2026, 10, 25, 23h), zone_offset);
  CHECK_FALSE(exhausted(allowance, limits, claim, now, zone_offset));
}

TEST_CASE("only zones that the machine has exist") {
  CHECK(zone_exists(""));
  CHECK(zone_exists("UTC"));
  CHECK(zone_exists("Europe/Berlin"));
  CHECK_FALSE(zone_exists("Europe/Berln"));
  CHECK_FALSE(zone_exists("Europe"));
}

}  // namespace
}  // namespace relaypipe
