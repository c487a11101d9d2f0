# Sets RELAYPIPE_FMT: what to link for fmt. Its shared library would cost every delivery its relocations, so that is never
# used: base/fmt_library.cc compiles fmt once where it has all that the installed version needs, which this finds out, and
# else every file compiles the header form of it.
set(probe "${PROJECT_BINARY_DIR}/fmt_probe.cc")
file(CONFIGURE OUTPUT "${probe}" CONTENT [[
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>
#include <string>
#include <vector>
int main() {
  std::string text = fmt::format("{:>5} {:x} {:.3f} {:g} {:c} {}", "a", 255U, 0.5, 2.5, 'b', 1.0F);
  text += fmt::format("{:%Y} {}", std::tm{}, fmt::join(std::vector<std::string>{"c"}, ","));
  fmt::format_to(std::back_inserter(text), "{:02} {}", 7, fmt::to_string(123456789012345));
  return text.empty() ? 1 : 0;
}
]] @ONLY)
get_target_property(headers fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
try_compile(RELAYPIPE_FMT_ONCE "${PROJECT_BINARY_DIR}/fmt_once" SOURCES "${probe}" "${CMAKE_CURRENT_SOURCE_DIR}/base/fmt_library.cc"
  CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${headers}"
  CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON)
if(RELAYPIPE_FMT_ONCE)
  add_library(relaypipe_fmt INTERFACE)
  target_include_directories(relaypipe_fmt SYSTEM INTERFACE "${headers}")
  set(RELAYPIPE_FMT relaypipe_fmt)
else()
  set(RELAYPIPE_FMT fmt::fmt-header-only)
endif()
