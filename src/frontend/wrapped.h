#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace relaypipe {

/// Words on lines of at most 80 columns that begin with `indent` blanks, each ended by a line feed; what has no blank
/// is not broken.
std::string wrapped(std::string_view words, std::size_t indent);

}  // namespace relaypipe
