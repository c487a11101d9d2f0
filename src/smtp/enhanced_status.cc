#include "smtp/enhanced_status.h"

namespace relaypipe {
namespace {

/// Takes one to three digits off the front of `text`; nothing where it does not begin with a digit. A fourth digit is
/// left for the caller, who then finds neither a dot nor an end.
std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  std::size_t digits = 0;
  while (digits < 3 && digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    value = value * 10 + (text[digits] - '0');
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool take_dot(std::string_view& text) {
  if (text.empty() || text.front() != '.') return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string EnhancedStatus::text() const {
  return std::to_string(klass) + '.' + std::to_string(subject) + '.' + std::to_string(detail);
}

std::optional<EnhancedStatus> parse_enhanced_status(std::string_view text) {
  if (text.empty() || (text.front() != '2' && text.front() != '4' && text.front() != '5')) return std::nullopt;
  const int klass = text.front() - '0';
  text.remove_prefix(1);
  if (!take_dot(text)) return std::nullopt;
  const auto subject = take_number(text);
  if (!subject || !take_dot(text)) return std::nullopt;
  const auto detail = take_number(text);
  if (!detail) return std::nullopt;
  const bool ends = text.empty() || text.front() == ' ' || (text.front() >= '\t' && text.front() <= '\r');
  if (!ends) return std::nullopt;
  return EnhancedStatus{klass, *subject, *detail};
}

}  // namespace relaypipe
