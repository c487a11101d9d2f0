#pragma once

// The one place that knows which Catch2 is installed: 2.13 (Debian 12) or 3.x (Debian 13, Ubuntu 24.04).
#ifdef RELAYPIPE_CATCH2_V3
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
