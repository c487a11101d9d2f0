#include "base/text.h"

#include <algorithm>

namespace relaypipe {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kWhitespace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kWhitespace) + 1 - first);
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; });
}

}  // namespace relaypipe
