#pragma once

#include <cstddef>

namespace relaypipe {

/// The number of one attempt within a delivery: what it asked for comes back under it.
using DialId = std::size_t;

}  // namespace relaypipe
