#include "state/calendar.h"

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

/// What clocks show when the period of that index ends, as a time since 1970; `ahead` is their offset within it.
Span shown_end(Period period, std::int64_t index, seconds ahead) {
  switch (period) {
    case Period::Hour: return hours(index + 1) + (ahead - ahead % hours(1));
    case Period::Day: return days(index + 1);
    case Period::Week: return std::chrono::weeks(index + 1) - days(3);
    default: break;
  }
  const auto year = std::chrono::year(static_cast<int>(index / 12));
  const auto month = std::chrono::month(static_cast<unsigned>(index % 12) + 1);
  return std::chrono::sys_days(year / month / 1).time_since_epoch();
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
  const auto later = [&](WallTime when) { return period_index(period, zone, when, offset) > index; };
  // Each question about a zone costs a look into its data. Where the clocks of the end are known there are few: a day
  // ends at midnight as the clocks show it then.
  const seconds ahead = offset(zone, at);
  const Span shown = shown_end(period, index, ahead);
  const WallTime guess(shown - offset(zone, WallTime(shown - ahead)));
  if (guess > at && later(guess) && !later(guess - Span(1))) return guess;
  // Some midnights come twice and some never. Then it is the first instant of a later period, found by halving.
  WallTime inside = at;
  WallTime beyond = at + longest(period);
  while (beyond - inside > Span(1)) {
    const WallTime middle = inside + (beyond - inside) / 2;
    (later(middle) ? beyond : inside) = middle;
  }
  return beyond;
}

}  // namespace relaypipe
