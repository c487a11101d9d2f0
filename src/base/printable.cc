#include "base/printable.h"

#include <algorithm>

namespace relaypipe {
namespace {

bool continues(unsigned char octet) { return (octet & 0xC0U) == 0x80U; }

/// How many octets at the start are visible ASCII or blanks: most texts are nothing else.
std::size_t plain_length(std::string_view text) {
  const auto* const end = std::find_if(text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; });
  return static_cast<std::size_t>(end - text.begin());
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  std::size_t length = 0;
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF)
    length = 2;
  else if (first >= 0xE0 && first <= 0xEF)
    length = 3;
  else if (first >= 0xF0 && first <= 0xF4)
    length = 4;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!continues(at(i))) return 0;
  }
  // Overlong forms, surrogates and what lies beyond U+10FFFF are told by the second octet alone.
  const unsigned char second = at(1);
  const bool outside = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                       (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return outside ? 0 : length;
}

std::string printable(std::string_view foreign) {
  std::string line;
  line.reserve(foreign.size());
  for (;;) {
    const std::size_t plain = plain_length(foreign);
    line.append(foreign.substr(0, plain));
    foreign.remove_prefix(plain);
    if (foreign.empty()) return line;
    const std::size_t length = utf8_length(foreign);
    const auto first = static_cast<unsigned char>(foreign.front());
    // C1 controls are two octets in UTF-8: 0xC2 and 0x80 to 0x9F. A terminal may obey them.
    const bool c1 = length == 2 && first == 0xC2 && static_cast<unsigned char>(foreign[1]) < 0xA0;
    if (first >= '\t' && first <= '\r') {
      line += ' ';
    } else if (length == 0 || first < 0x20 || first == 0x7F || c1) {
      line += '?';
    } else {
      line.append(foreign.substr(0, length));
    }
    foreign.remove_prefix(length == 0 ? 1 : length);
  }
}

std::string_view clip(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  while (end > 0 && continues(static_cast<unsigned char>(text[end])))
    --end;
  return text.substr(0, end);
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

}  // namespace relaypipe
