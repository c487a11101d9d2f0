#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace relaypipe {

/// What must hold whatever the bytes were; the message tells which rule was broken.
inline void must(bool holds, std::string_view rule, std::string_view about = {}) {
  if (holds) return;
  std::fprintf(stderr, "broken: %.*s: \"%.*s\"\n", static_cast<int>(rule.size()), rule.data(),
               static_cast<int>(about.size()), about.data());
  std::abort();
}

/// Text that may go into the mail log and to Postfix: one line, no control octet, of a sane length.
inline void must_be_line(std::string_view text) {
  must(!text.empty() && text.size() < 3000, "an error text is neither empty nor endless", text);
  for (const char c : text) {
    must(static_cast<unsigned char>(c) >= ' ' && c != '\x7F', "an error text has no control octets", text);
  }
}

/// Service names without the system's table.
inline std::optional<std::uint16_t> fuzzed_port(std::string_view name) {
  if (name == "submission") return std::uint16_t{587};
  return std::nullopt;
}

}  // namespace relaypipe
