#include "io/system/time_zones.h"

#include <stdlib.h>

#include "catch.h"
#include "state/calendar.h"
#include "state/quota.h"

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

TEST_CASE("a month and a week end at midnight of their zone") {
  // October has an hour more in Berlin: its first midnight is two hours before UTC's, its last one.
  CHECK(period_end(Period::Month, "Europe/Berlin", at(2026, 9, 15), zone_offset) == at(2026, 9, 30, 22h));
  CHECK(period_end(Period::Month, "Europe/Berlin", at(2026, 10, 15), zone_offset) == at(2026, 10, 31, 23h));
  CHECK(period_end(Period::Month, "America/New_York", at(2028, 2, 29, 12h), zone_offset) == at(2028, 3, 1, 5h));
  // Clocks change on the Sunday that ends the week.
  CHECK(period_end(Period::Week, "Europe/Berlin", at(2026, 10, 21), zone_offset) == at(2026, 10, 25, 23h));
  CHECK(period_end(Period::Week, "America/New_York", at(2026, 3, 4), zone_offset) == at(2026, 3, 9, 4h));
}

TEST_CASE("an hour ends with the minutes of its zone, and what comes twice is two hours") {
  CHECK(period_end(Period::Hour, "Asia/Kathmandu", at(2026, 7, 1, 12h), zone_offset) == at(2026, 7, 1, 12h + 15min));
  // 02:30 in Berlin, before and after clocks go back at 01:00 UTC.
  const WallTime first = at(2026, 10, 25, 30min);
  CHECK(period_end(Period::Hour, "Europe/Berlin", first, zone_offset) == at(2026, 10, 25, 1h));
  CHECK(period_index(Period::Hour, "Europe/Berlin", first + 1h, zone_offset) ==
        period_index(Period::Hour, "Europe/Berlin", first, zone_offset) + 1);
}

TEST_CASE("days, weeks and months follow one another in every sort of zone") {
  // In Cairo and Havana clocks change at midnight: one is left out or comes twice.
  const std::string zone = GENERATE("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo",
                                    "America/Havana", "Pacific/Chatham", "America/St_Johns", "UTC");
  const Period period = GENERATE(Period::Day, Period::Week, Period::Month);
  CAPTURE(zone, period);
  WallTime begin = period_end(period, zone, at(2025, 12, 20), zone_offset);
  while (begin < at(2027, 1, 10)) {
    const std::int64_t index = period_index(period, zone, begin, zone_offset);
    const WallTime end = period_end(period, zone, begin, zone_offset);
    REQUIRE(end > begin);
    REQUIRE(period_index(period, zone, end - 1ms, zone_offset) == index);
    REQUIRE(period_index(period, zone, end, zone_offset) == index + 1);
    REQUIRE(period_end(period, zone, end - 1ms, zone_offset) == end);
    begin = end;
  }
}

TEST_CASE("where a window ends takes few questions about its zone, clocks changing or not") {
  int asked = 0;
  const ZoneOffset counting = [&](const std::string& zone, WallTime when) {
    ++asked;
    return zone_offset(zone, when);
  };
  CHECK(period_end(Period::Day, "Europe/Berlin", at(2026, 6, 1), counting) == at(2026, 6, 1, 22h));
  CHECK(period_end(Period::Month, "Europe/Berlin", at(2026, 10, 15), counting) == at(2026, 10, 31, 23h));
  CHECK(period_end(Period::Hour, "America/St_Johns", at(2026, 6, 1), counting) == at(2026, 6, 1, 30min));
  CHECK(asked <= 3 * 6);
}

TEST_CASE("a quota of the hour holds while clocks go back by half an hour") {
  // On Lord Howe Island from 02:00 to 01:30, at 15:00 UTC.
  const Limits limits{{{false, 1, Counted::Messages, Period::Hour, {}, "Australia/Lord_Howe", "1/hour"}}, 0, {}};
  const Owner us{1};
  Allowance allowance;
  int accepted = 0;
  // One message is offered each minute for six hours; no hour has room for two.
  for (WallTime now = at(2026, 4, 4, 12h); now < at(2026, 4, 4, 18h); now += 1min) {
    const WallTime here = settle(allowance, limits, now, zone_offset);
    const Claim claim{us, here + 15min, 1, false};
    if (exhausted(allowance, limits, claim, here, zone_offset)) continue;
    take(allowance, limits, claim, here);
    count(allowance, limits, us, 1, here, zone_offset);
    ++accepted;
  }
  // The local hours 23, 0, 1, the half of 1 that comes again, 2, 3, and the first half of 4.
  CHECK(accepted == 7);
}

TEST_CASE("a quota of the day rolls at midnight of its zone, also when clocks change") {
  const Limits limits{{{false, 1, Counted::Messages, Period::Day, {}, "Europe/Berlin", "1/day Europe/Berlin"}}, 0, {}};
  Allowance allowance;
  const Owner us{1};
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
  // In the same directory, but no zone.
  CHECK_FALSE(zone_exists("leapseconds"));
  CHECK_FALSE(zone_exists("tzdata.zi"));
}

TEST_CASE("the zone that may be meant") {
  CHECK(nearest_zone("europe/berlin") == "Europe/Berlin");
  CHECK(nearest_zone("Europe/Berln") == "Europe/Berlin");
  CHECK(nearest_zone("America/NewYork") == "America/New_York");
  CHECK(nearest_zone("Nowhere/At_All").empty());
}

}  // namespace
}  // namespace relaypipe
