#pragma once

#include <string>
#include <string_view>

namespace relaypipe {

/// What a parse error of toml++ means for the person who wrote the file, with the way out. `description` is the
/// library's own text ("Error while parsing array: encountered end-of-file"); one that is not known is passed on.
std::string explain_toml_error(std::string_view description);

}  // namespace relaypipe
