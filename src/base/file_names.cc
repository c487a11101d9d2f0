#include "base/file_names.h"

#include <algorithm>

namespace relaypipe {
namespace {

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' ||
         c == '.' || static_cast<unsigned char>(c) >= 0x80;
}

bool is_path(char c) { return is_word(c) || c == '/' || c == '+' || c == '@' || c == '~' || c == '%'; }

/// Whether a path begins at `at`, which is a slash.
bool begins_path(std::string_view text, std::size_t at) {
  if (at + 1 >= text.size() || !is_word(text[at + 1])) return false;
  return at == 0 || !is_path(text[at - 1]);
}

}  // namespace

std::string without_directories(std::string_view text) {
  std::string shown;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t address = text.substr(at).starts_with("://") ? text.find_first_of(" \"<>", at) : at;
    if (address != at) {
      // A URL to its end.
      const std::size_t end = std::min(address, text.size());
      shown += text.substr(at, end - at);
      at = end;
      continue;
    }
    if (text[at] != '/' || !begins_path(text, at)) {
      shown += text[at++];
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && is_path(text[end]))
      ++end;
    std::string_view path = text.substr(at, end - at);
    while (path.ends_with('/'))
      path.remove_suffix(1);
    shown += path.substr(path.rfind('/') + 1);
    at = end;
  }
  return shown;
}

}  // namespace relaypipe
