#include "relay/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <system_error>

#include "base/printable.h"

namespace relaypipe {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kDurationForm = "write a duration such as 30s or 2m (units ms, s, m, h, d)";
constexpr std::string_view kOctetsForm = "write a number of octets such as 1048576, 512k, 10M or 2G";

struct Unit {
  std::string_view name;
  std::uint64_t size;
};

/// Largest first: a joined span names its units in this order, each at most once.
constexpr std::array<Unit, 5> kTimeUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 7> kOctetUnits = {{{"", 1},
                                              {"k", 1U << 10},
                                              {"kib", 1U << 10},
                                              {"m", 1U << 20},
                                              {"mib", 1U << 20},
                                              {"g", 1U << 30},
                                              {"gib", 1U << 30}}};

/// Ten years of 365 days. It also keeps every sum of a span and a point of time far from overflow.
constexpr std::uint64_t kLongest = 3650 * kTimeUnits[0].size;

std::string quoted(std::string_view text) { return fmt::format("\"{}\"", clip(printable(text), 100)); }

struct Number {
  std::uint64_t value = 0;
  bool fits = true;  ///< 64 bits are enough for it; `value` is 0 where they are not
};

/// Takes the digits off the front of `text`; nothing where there are none.
std::optional<Number> take_number(std::string_view& text) {
  Number number;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.value);
  if (error == std::errc::invalid_argument) return std::nullopt;
  number.fits = error == std::errc();
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

/// Takes the letters up to the next digit off the front of `text`.
std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find_first_of(kDigits));
  text.remove_prefix(word.size());
  return word;
}

/// The position of the unit `name` in kTimeUnits, or the number of units.
std::size_t time_unit(std::string_view name) {
  std::size_t index = 0;
  while (index < kTimeUnits.size() && kTimeUnits[index].name != name)
    ++index;
  return index;
}

/// `span` in the units whose bits are set in `choice` (the highest bit is the largest unit), larger units first, each
/// as often as it fits; nothing where a remainder is left.
std::optional<std::string> written_in(std::uint64_t span, unsigned choice) {
  std::string text;
  for (std::size_t i = 0; i < kTimeUnits.size(); ++i) {
    const auto [name, size] = kTimeUnits[i];
    const bool chosen = (choice >> (kTimeUnits.size() - 1 - i) & 1U) != 0;
    if (!chosen || span < size) continue;
    text += fmt::format("{}{}", span / size, name);
    span %= size;
  }
  if (span != 0) return std::nullopt;
  return text;
}

}  // namespace

Result<Duration, std::string> parse_duration(std::string_view text) {
  const auto wrong = [&](std::string_view what) {
    return fail(fmt::format("{} {}; {}", quoted(text), what, kDurationForm));
  };
  if (text == "0") return Duration::zero();
  if (text.empty()) return wrong("is empty");
  if (text.front() == '-') return wrong("is negative");
  std::uint64_t total = 0;
  std::size_t next = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::optional<Number> number = take_number(rest);
    if (!number) return wrong("is not a valid duration");
    const std::string_view name = take_word(rest);
    if (name.empty()) return wrong("has no unit");
    const std::size_t unit = time_unit(name);
    if (unit == kTimeUnits.size()) return wrong(fmt::format("has the unknown unit {}", quoted(name)));
    if (unit < next) return wrong("names its units twice or not from large to small");
    // Five such numbers at most: the sum stays far below 2^64.
    if (!number->fits || number->value > kLongest / kTimeUnits[unit].size) return wrong("is more than ten years");
    total += number->value * kTimeUnits[unit].size;
    next = unit + 1;
  }
  if (total > kLongest) return wrong("is more than ten years");
  return Duration(milliseconds(total));
}

std::string format_duration(Duration span) {
  const auto count = std::chrono::duration_cast<milliseconds>(span).count();
  if (count < 0) return "-" + format_duration(milliseconds(-count));
  if (count == 0) return "0";
  std::string shortest;
  // All units first, so that among texts of one length the one with the larger units stays.
  for (unsigned choice = (1U << kTimeUnits.size()) - 1; choice > 0; --choice) {
    const std::optional<std::string> text = written_in(static_cast<std::uint64_t>(count), choice);
    if (text && (shortest.empty() || text->size() < shortest.size())) shortest = *text;
  }
  return shortest;
}

Result<std::uint64_t, std::string> parse_octets(std::string_view text) {
  std::string_view rest = text;
  const std::optional<Number> number = take_number(rest);
  if (!number) return fail(fmt::format("{} is not a number of octets; {}", quoted(text), kOctetsForm));
  const std::string name = lower(rest);
  for (const Unit& unit : kOctetUnits) {
    if (unit.name != name) continue;
    if (!number->fits || number->value > std::numeric_limits<std::uint64_t>::max() / unit.size) {
      return fail(fmt::format("{} is too large; {}", quoted(text), kOctetsForm));
    }
    return number->value * unit.size;
  }
  return fail(fmt::format("{} has the unknown unit {}; {}", quoted(text), quoted(rest), kOctetsForm));
}

Result<std::uint64_t, std::string> parse_count(std::string_view text, std::uint64_t low, std::uint64_t high) {
  std::string_view rest = text;
  const std::optional<Number> number = take_number(rest);
  const bool whole = number && rest.empty();
  if (whole && number->fits && number->value >= low && number->value <= high) return number->value;
  return fail(fmt::format("{} is {}; write a whole number from {} to {}", quoted(text),
                          whole ? "out of range" : "not a whole number", low, high));
}

}  // namespace relaypipe
