#include "io/system/local_time.h"

#include <array>
#include <cstddef>
#include <ctime>
#include <optional>
#include <string_view>

namespace relaypipe {
namespace {

constexpr std::string_view kForm = "dddd-dd-dd dd:dd:dd UTC";

bool has_form(std::string_view text) {
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == 'd' ? !digit : text[i] != kForm[i]) return false;
  }
  return true;
}

int number(std::string_view digits) {
  int value = 0;
  for (const char digit : digits)
    value = 10 * value + (digit - '0');
  return value;
}

/// The same time in the machine's zone; nothing where the C library cannot tell.
std::optional<std::string> local(std::string_view text) {
  std::tm utc{};
  utc.tm_year = number(text.substr(0, 4)) - 1900;
  utc.tm_mon = number(text.substr(5, 2)) - 1;
  utc.tm_mday = number(text.substr(8, 2));
  utc.tm_hour = number(text.substr(11, 2));
  utc.tm_min = number(text.substr(14, 2));
  utc.tm_sec = number(text.substr(17, 2));
  const std::time_t at = timegm(&utc);
  std::tm here{};
  std::array<char, 64> shown{};
  if (localtime_r(&at, &here) == nullptr) return std::nullopt;
  const std::size_t size = strftime(shown.data(), shown.size(), "%Y-%m-%d %H:%M:%S %Z", &here);
  if (size == 0) return std::nullopt;
  return std::string(shown.data(), size);
}

}  // namespace

std::string with_local_times(std::string text) {
  tzset();
  for (std::size_t at = text.find(" UTC"); at != text.npos; at = text.find(" UTC", at + 1)) {
    constexpr std::size_t kBefore = kForm.size() - 4;
    if (at < kBefore) continue;
    const std::size_t begin = at - kBefore;
    if (!has_form(std::string_view(text).substr(begin, kForm.size()))) continue;
    if (const auto shown = local(std::string_view(text).substr(begin, kForm.size()))) {
      text.replace(begin, kForm.size(), *shown);
    }
  }
  return text;
}

}  // namespace relaypipe
