#include "route/calendar.h"

namespace relaypipe {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

/// Longer than any such period, however clocks are set within it.
Span longest(Period period) {
  switch (period) {
    case Period::Hour: return hours(2);
    case Period::Day: return hours(50);
    case Period::Week: return days(9);
    default: return days(33);
  }
}

}  // namespace

std::int64_t period_index(Period period, const std::string& zone, WallTime at, const ZoneOffset& offset) {
  const seconds ahead = offset(zone, at);
  if (period == Period::Hour) {
    // Only the part of the offset below an hour moves the hours' edges: so the hour that comes twice counts as two.
    return std::chrono::floor<hours>(at.time_since_epoch() + ahead % hours(1)).count();
  }
  const auto day = std::chrono::floor<days>(at + ahead);
  if (period == Period::Day) return day.time_since_epoch().count();
  // 1970-01-01 was a Thursday, three days after a Monday.
  if (period == Period::Week) return std::chrono::floor<std::chrono::weeks>(day.time_since_epoch() + days(3)).count();
  const std::chrono::year_month_day date(day);
  return static_cast<int>(date.year()) * std::int64_t{12} + static_cast<unsigned>(date.month());
}

WallTime period_end(Period period, const std::string& zone, WallTime at, const ZoneOffset& offset) {
  const std::int64_t index = period_index(period, zone, at, offset);
  // The first instant of a later period, found by halving: no arithmetic with local times, of which some come twice and
  // some never.
  WallTime inside = at;
  WallTime beyond = at + longest(period);
  while (beyond - inside > Span(1)) {
    const WallTime middle = inside + (beyond - inside) / 2;
    (period_index(period, zone, middle, offset) > index ? beyond : inside) = middle;
  }
  return beyond;
}

}  // namespace relaypipe
