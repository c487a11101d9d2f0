#pragma once

#include <string>
#include <system_error>

namespace relaypipe {

/// The words of the system for an `errno`: `Permission denied`.
inline std::string error_text(int error) { return std::generic_category().message(error); }

}  // namespace relaypipe
