#include "io/system/local_time.h"

#include <stdlib.h>
#include <time.h>

#include <optional>

#include "catch.h"

namespace relaypipe {
namespace {

/// The machine's zone for as long as it lives.
class Zone {
 public:
  explicit Zone(const char* name) {
    if (const char* const before = getenv("TZ")) before_ = before;
    setenv("TZ", name, 1);
    tzset();
  }
  ~Zone() {
    before_ ? setenv("TZ", before_->c_str(), 1) : unsetenv("TZ");
    tzset();
  }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;

 private:
  std::optional<std::string> before_;
};

TEST_CASE("times are shown in the zone of the machine, with its name") {
  const Zone zone("CET-1CEST,M3.5.0,M10.5.0/3");
  CHECK(with_local_times("relay a is cooling down until 2026-11-27 23:03:04 UTC, cause=network") ==
        "relay a is cooling down until 2026-11-28 00:03:04 CET, cause=network");
  CHECK(with_local_times("2026-07-01 00:00:00 UTC to 2026-07-01 12:00:00 UTC") ==
        "2026-07-01 02:00:00 CEST to 2026-07-01 14:00:00 CEST");
}

TEST_CASE("what is not a whole time stays as it is") {
  const Zone zone("XYZ+5");
  for (const char* const text : {"", " UTC", "until=00:00 UTC", "2026-11-27 12:03 UTC", "26-11-27 12:03:04 UTC",
                                 "2026-11-27 12:03:04", "2026-11-27T12:03:04Z", "2026-11-27 12:03:0x UTC"}) {
    CHECK(with_local_times(text) == text);
  }
}

}  // namespace
}  // namespace relaypipe
