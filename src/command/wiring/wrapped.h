#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace relaypipe {

/// Words on lines of at most `columns` that begin with `indent` spaces, each ended by a line feed; what has no space is
/// not broken. With 0 columns all of it is one line: a program that reads a pipe wants whole lines.
std::string wrapped(std::string_view words, std::size_t indent, std::size_t columns);

}  // namespace relaypipe
