#pragma once

// The one place that knows which Catch2 is installed: 2.13 (Debian 12) or 3.x (Debian 13, Ubuntu 24.04).
#ifdef RELAYPIPE_CATCH2_V3
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>

#include <string>

namespace Catch::Matchers {
/// The name that 3.x gives it.
inline auto ContainsSubstring(const std::string& text) { return Contains(text); }
}  // namespace Catch::Matchers
#endif
