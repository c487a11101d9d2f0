#include "base/position.h"

#include <fmt/format.h>

namespace relaypipe {

std::string position_text(const Position& at) {
  if (at.line == 0) return at.file;
  return fmt::format("{}:{}:{}", at.file, at.line, at.column);
}

}  // namespace relaypipe
