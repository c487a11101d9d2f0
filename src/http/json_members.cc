#include "http/json_members.h"

#include <fmt/format.h>

namespace relaypipe {

std::string json_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') escaped += '\\';
    if (octet < ' ' || octet == 0x7FU)
      escaped += fmt::format("\\u{:04x}", octet);
    else
      escaped += c;
  }
  return escaped;
}

}  // namespace relaypipe
