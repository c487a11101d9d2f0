#include "state/calendar.h"

#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using std::chrono::sys_days;

/// As tzdata has it for 2026: Berlin; Lord Howe, whose summer is half an hour; Kolkata, half an hour beside the full
/// one; a zone whose clocks go forward at midnight, so that one day begins at 01:00. The same on the first of a month,
/// in Asuncion in 2023, and on a Monday, in Tehran in 2021.
std::chrono::seconds offset(const std::string& zone, WallTime at) {
  const auto between = [&](WallTime from, WallTime to) { return at >= from && at < to; };
  if (zone == "Berlin") return between(sys_days(2026y / 3 / 29) + 1h, sys_days(2026y / 10 / 25) + 1h) ? 2h : 1h;
  if (zone == "Lord_Howe")
    return between(sys_days(2026y / 4 / 4) + 15h, sys_days(2026y / 10 / 3) + 15h + 30min) ? 10h + 30min : 11h;
  if (zone == "Kolkata") return 5h + 30min;
  if (zone == "Midnight") return between(sys_days(2026y / 3 / 8) + 5h, sys_days(2026y / 11 / 1) + 5h) ? -4h : -5h;
  if (zone == "Asuncion") return at < sys_days(2023y / 10 / 1) + 4h ? -4h : -3h;
  if (zone == "Tehran") return at < sys_days(2021y / 3 / 21) + 20h + 30min ? 3h + 30min : 4h + 30min;
  return 0h;
}

struct Row {
  const char* zone;
  Period period;
  WallTime at;
  WallTime end;
};

TEST_CASE("a calendar window ends where the zone's clock says") {
  const Row row = GENERATE(
      Row{"UTC", Period::Day, sys_days(2026y / 3 / 29) + 10h, sys_days(2026y / 3 / 30)},
      Row{"UTC", Period::Hour, sys_days(2026y / 3 / 29) + 10h + 59min, sys_days(2026y / 3 / 29) + 11h},
      Row{"Berlin", Period::Day, sys_days(2026y / 1 / 10) + 23h, sys_days(2026y / 1 / 11) + 23h},
      // 23 hours: 2026-03-29 00:00 +01:00 to 2026-03-30 00:00 +02:00
      Row{"Berlin", Period::Day, sys_days(2026y / 3 / 28) + 23h, sys_days(2026y / 3 / 29) + 22h},
      // 25 hours: 2026-10-25 00:00 +02:00 to 2026-10-26 00:00 +01:00
      Row{"Berlin", Period::Day, sys_days(2026y / 10 / 24) + 22h, sys_days(2026y / 10 / 25) + 23h},
      // 02:30 comes twice; each is an hour of its own
      Row{"Berlin", Period::Hour, sys_days(2026y / 10 / 25) + 30min, sys_days(2026y / 10 / 25) + 1h},
      Row{"Berlin", Period::Hour, sys_days(2026y / 10 / 25) + 90min, sys_days(2026y / 10 / 25) + 2h},
      Row{"Kolkata", Period::Hour, sys_days(2026y / 5 / 5) + 10h, sys_days(2026y / 5 / 5) + 10h + 30min},
      Row{"Kolkata", Period::Day, sys_days(2026y / 5 / 5) + 10h, sys_days(2026y / 5 / 5) + 18h + 30min},
      Row{"Lord_Howe", Period::Day, sys_days(2026y / 4 / 4) + 14h, sys_days(2026y / 4 / 5) + 13h + 30min},
      // no midnight: the day before ends at 24:00, which is 01:00
      Row{"Midnight", Period::Day, sys_days(2026y / 3 / 7) + 6h, sys_days(2026y / 3 / 8) + 5h},
      Row{"Asuncion", Period::Month, sys_days(2023y / 9 / 1) + 4h, sys_days(2023y / 10 / 1) + 4h},
      Row{"Tehran", Period::Week, sys_days(2021y / 3 / 14) + 20h + 30min, sys_days(2021y / 3 / 21) + 20h + 30min},
      // 2026-11-22 is a Sunday
      Row{"UTC", Period::Week, sys_days(2026y / 11 / 22) + 23h, sys_days(2026y / 11 / 23)},
      Row{"UTC", Period::Week, sys_days(2026y / 11 / 23), sys_days(2026y / 11 / 30)},
      Row{"UTC", Period::Month, sys_days(2026y / 12 / 1), sys_days(2027y / 1 / 1)},
      Row{"Berlin", Period::Month, sys_days(2028y / 2 / 10), sys_days(2028y / 2 / 29) + 23h});
  CAPTURE(row.zone, row.at.time_since_epoch().count());
  CHECK(period_end(row.period, row.zone, row.at, offset) == row.end);
  const std::int64_t index = period_index(row.period, row.zone, row.at, offset);
  CHECK(period_index(row.period, row.zone, row.end - 1ms, offset) == index);
  CHECK(period_index(row.period, row.zone, row.end, offset) == index + 1);
}

TEST_CASE("windows follow one another without a gap or a jump over a whole year") {
  const Period period = GENERATE(Period::Hour, Period::Day, Period::Week, Period::Month);
  const std::string zone = GENERATE("UTC", "Berlin", "Kolkata", "Midnight");
  WallTime at = sys_days(2026y / 1 / 1);
  std::int64_t index = period_index(period, zone, at, offset);
  while (at < WallTime(sys_days(2027y / 1 / 15))) {
    at = period_end(period, zone, at, offset);
    REQUIRE(period_index(period, zone, at, offset) == ++index);
  }
}

}  // namespace
}  // namespace relaypipe
