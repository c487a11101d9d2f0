#include "http/named_time.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

#include "base/printable.h"
#include "base/text.h"

namespace relaypipe {
namespace {

constexpr Span kLongest = std::chrono::hours(24 * 7);

/// Takes that many digits as a number; -1 where they are not there.
int take_number(std::string_view& rest, std::size_t digits) {
  if (rest.size() < digits) return -1;
  int number = 0;
  for (const char c : rest.substr(0, digits)) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  rest.remove_prefix(digits);
  return number;
}

bool take(std::string_view& rest, std::string_view token) {
  if (!rest.starts_with(token)) return false;
  rest.remove_prefix(token.size());
  return true;
}

std::optional<WallTime> at(int year, int month, int day, Span of_day) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (year < 1970 || month < 1 || day < 1 || !date.ok() || of_day < Span::zero()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date).time_since_epoch()) + of_day;
}

/// `08:49:37`; negative where it is none. A leap second is the next one.
Span take_clock(std::string_view& rest) {
  constexpr Span kNone{-1};
  const int hours = take_number(rest, 2);
  if (hours < 0 || hours > 23 || !take(rest, ":")) return kNone;
  const int minutes = take_number(rest, 2);
  if (minutes < 0 || minutes > 59 || !take(rest, ":")) return kNone;
  const int seconds = take_number(rest, 2);
  if (seconds < 0 || seconds > 60) return kNone;
  return std::chrono::hours(hours) + std::chrono::minutes(minutes) + std::chrono::seconds(seconds);
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
std::optional<WallTime> parse_http_date(std::string_view rest) {
  constexpr std::string_view kMonths = "jan feb mar apr may jun jul aug sep oct nov dec ";
  const std::size_t comma = rest.find(", ");
  if (comma != 3) return std::nullopt;
  rest.remove_prefix(comma + 2);
  const int day = take_number(rest, 2);
  if (day < 0 || !take(rest, " ")) return std::nullopt;
  const std::string name = lower(rest.substr(0, std::min<std::size_t>(4, rest.size())));
  const std::size_t month = name.size() == 4 && name.back() == ' ' ? kMonths.find(name) : kMonths.npos;
  if (month == kMonths.npos) return std::nullopt;
  rest.remove_prefix(4);
  const int year = take_number(rest, 4);
  if (year < 0 || !take(rest, " ")) return std::nullopt;
  const Span clock = take_clock(rest);
  if (!take(rest, " GMT") && !take(rest, " UTC") && !take(rest, " +0000")) return std::nullopt;
  return at(year, static_cast<int>(month / 4) + 1, day, clock);
}

/// `2026-09-11T20:00:00.123Z`.
std::optional<WallTime> parse_rfc3339(std::string_view rest) {
  const int year = take_number(rest, 4);
  if (year < 0 || !take(rest, "-")) return std::nullopt;
  const int month = take_number(rest, 2);
  if (month < 0 || !take(rest, "-")) return std::nullopt;
  const int day = take_number(rest, 2);
  if (day < 0 || !take(rest, "T")) return std::nullopt;
  const Span clock = take_clock(rest);
  if (take(rest, ".")) rest.remove_prefix(std::min(rest.find_first_not_of("0123456789"), rest.size()));
  if (!take(rest, "Z")) return std::nullopt;
  return at(year, month, day, clock);
}

std::optional<Duration> until(std::optional<WallTime> time, WallTime now) {
  if (!time || *time <= now || *time - now > kLongest) return std::nullopt;
  // Whole seconds, as the time is named; never before it.
  return std::chrono::ceil<std::chrono::seconds>(*time - now);
}

}  // namespace

std::optional<WallTime> parse_time(std::string_view text) {
  const auto date = parse_http_date(text);
  return date ? date : parse_rfc3339(text);
}

std::optional<Duration> asked_wait(std::string_view retry_after, std::string_view words, WallTime now) {
  constexpr std::size_t kDigits = 6;  // as many as a week of seconds has
  const std::string_view value = trimmed(retry_after);
  if (!value.empty() && value.size() <= kDigits) {
    std::string_view rest = value;
    const int seconds = take_number(rest, value.size());
    if (seconds > 0) return until(now + std::chrono::seconds(seconds), now);
  }
  if (const auto wait = until(parse_time(value), now)) return wait;
  const std::string low = lower(words);
  for (const std::string_view sign : std::array<std::string_view, 2>{"again after ", "retry after "}) {
    const std::size_t place = low.find(sign);
    if (place == low.npos) continue;
    if (const auto wait = until(parse_time(words.substr(place + sign.size())), now)) return wait;
  }
  return std::nullopt;
}

}  // namespace relaypipe
