#include "command/wiring/text.h"

#include <fmt/format.h>

namespace relaypipe {

std::string wrapped(std::string_view words, std::size_t indent, std::size_t columns) {
  const std::size_t width = columns > indent ? columns - indent : 0;
  std::string text;
  while (width != 0 && words.size() > width) {
    std::size_t end = words.rfind(' ', width);
    if (end == std::string_view::npos || end == 0) end = words.find(' ');
    if (end == std::string_view::npos) break;
    text += fmt::format("{:{}}{}\n", "", indent, words.substr(0, end));
    words.remove_prefix(end + 1);
  }
  return text + fmt::format("{:{}}{}\n", "", indent, words);
}

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string coloured(std::string_view text, Colour colour, bool terminal) {
  return terminal ? fmt::format("\033[{}m{}\033[0m", static_cast<int>(colour), text) : std::string(text);
}

std::string bold(std::string_view text, bool terminal) {
  return terminal ? fmt::format("\033[1m{}\033[0m", text) : std::string(text);
}

}  // namespace relaypipe
