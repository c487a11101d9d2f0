#include "config/limit_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/printable.h"
#include "base/text.h"
#include "config/nearest.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

constexpr std::string_view kForm =
    "write a limit such as \"14/s\", \"10000 recipients/24h\" or \"500/day Europe/Berlin\"";
constexpr std::string_view kTimeForm =
    "write a span such as s, 10m or 24h, or hour, day, week or month for those of the calendar";
constexpr std::uint64_t kMost = 1'000'000'000;
constexpr Span kLongest = std::chrono::days(366);

struct CalendarWord {
  std::string_view name;
  Period period;
};
constexpr std::array<CalendarWord, 4> kCalendar{
    {{"hour", Period::Hour}, {"day", Period::Day}, {"week", Period::Week}, {"month", Period::Month}}};

/// What the units of time are often called, and what they are called here.
struct OtherWord {
  std::string_view begins;
  std::string_view write;
};
constexpr std::array<OtherWord, 6> kOther{
    {{"sec", "s"}, {"min", "m"}, {"hr", "h"}, {"w", "7d"}, {"mon", "month"}, {"y", "365d"}}};

/// The time that `word` may stand for, or nothing.
std::optional<std::string_view> time_meant(std::string_view word) {
  constexpr std::array<std::string_view, kCalendar.size()> kWords{kCalendar[0].name, kCalendar[1].name,
                                                                  kCalendar[2].name, kCalendar[3].name};
  if (const auto near = nearest(word, kWords)) return near;
  const auto* const other = std::find_if(kOther.begin(), kOther.end(),
                                         [&](const OtherWord& known) { return lower(word).starts_with(known.begins); });
  if (other == kOther.end()) return std::nullopt;
  return other->write;
}

/// Cuts the first word off.
std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text = trimmed(text.substr(end));
  return word;
}

/// Names of the time zone database; no way out of its directory.
bool is_zone_name(std::string_view name) {
  const auto fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '_' ||
           c == '+' || c == '-';
  };
  return !name.empty() && name.size() <= 64 && name.front() != '/' && std::all_of(name.begin(), name.end(), fine);
}

/// What is wrong with the part before the slash, or nothing.
std::optional<std::string> read_amount(std::string_view text, LimitRule& rule) {
  const std::string_view number = take_word(text);
  const auto count = parse_count(number, 1, kMost);
  if (!count) return count.error();
  rule.count = *count;
  if (text.empty() || text == "message" || text == "messages") return std::nullopt;
  if (text == "recipient" || text == "recipients") {
    rule.counted = Counted::Recipients;
    return std::nullopt;
  }
  return fmt::format("\"{}\" cannot be counted; messages and recipients can", clip(printable(text), 60));
}

/// The same of the part behind it.
std::optional<std::string> read_time(std::string_view text, LimitRule& rule) {
  const std::string_view time = take_word(text);
  const std::string_view zone = text;
  const auto calendar =
      std::find_if(kCalendar.begin(), kCalendar.end(), [&](const CalendarWord& word) { return word.name == time; });
  if (calendar != kCalendar.end()) {
    rule.period = calendar->period;
    rule.zone = zone;
    if (zone.empty() || is_zone_name(zone)) return std::nullopt;
    return fmt::format("\"{}\" is not a valid time zone; write a name such as UTC or Europe/Berlin",
                       clip(printable(zone), 60));
  }
  if (!zone.empty()) {
    return fmt::format("\"{}\": only hour, day, week and month have a time zone", clip(printable(zone), 60));
  }
  const bool unit_alone = !time.empty() && time.find_first_of("0123456789") == time.npos;
  const auto span = parse_duration(unit_alone ? fmt::format("1{}", time) : std::string(time));
  if (!span && unit_alone) {
    const auto meant = time_meant(time);
    return fmt::format("\"{}\" is not a valid time; {}", clip(printable(time), 60),
                       meant ? fmt::format("did you mean {}?", *meant) : kTimeForm);
  }
  if (!span) return span.error() + ", or one of hour, day, week, month";
  rule.window = to_span(*span);
  if (rule.window >= std::chrono::milliseconds(1) && rule.window <= kLongest) return std::nullopt;
  return fmt::format("{} is not a valid window; write one from 1ms to 366d", time);
}

}  // namespace

Result<LimitRule, std::string> parse_limit(std::string_view text) {
  const std::string shown = fmt::format("\"{}\"", clip(printable(text), 100));
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return fail(fmt::format("{} names no time; {}", shown, kForm));
  LimitRule rule;
  rule.text = trimmed(text);
  if (auto wrong = read_amount(trimmed(text.substr(0, slash)), rule)) {
    return fail(fmt::format("{}: {}; {}", shown, *wrong, kForm));
  }
  if (auto wrong = read_time(trimmed(text.substr(slash + 1)), rule)) return fail(fmt::format("{}: {}", shown, *wrong));
  return rule;
}

}  // namespace relaypipe
