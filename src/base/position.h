#pragma once

#include <cstdint>
#include <string>

namespace relaypipe {

/// Line and column, counted from 1; 0 means the file as a whole.
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

/// Where something stands in a configuration file.
struct Position {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

/// `relaypipe.toml:12:3`, with as much of it as is known.
std::string position_text(const Position& at);

}  // namespace relaypipe
