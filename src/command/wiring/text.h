#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace relaypipe {

/// Words on lines of at most `columns` that begin with `indent` spaces, each ended by a line feed; what has no space is
/// not broken. With 0 columns all of it is one line: a program that reads a pipe wants whole lines.
std::string wrapped(std::string_view words, std::size_t indent, std::size_t columns);

/// `1 relay`, `2 relays`.
std::string counted(std::size_t count, std::string_view noun);

enum class Colour { Red = 31, Green = 32, Yellow = 33, Magenta = 35 };

/// Text in a colour of the terminal; as it is where there is no `terminal`.
std::string coloured(std::string_view text, Colour colour, bool terminal);

/// Text in bold, likewise.
std::string bold(std::string_view text, bool terminal);

}  // namespace relaypipe
