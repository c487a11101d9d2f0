#include "io/time_zones.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include <optional>

namespace relaypipe {
namespace {

/// The process's time zone for as long as it lives. The C library has no other way to ask for one than by the
/// environment; the process has one thread, and its children are started when this is over.
class BorrowedZone {
 public:
  explicit BorrowedZone(const std::string& zone) {
    if (const char* const before = getenv("TZ")) before_ = before;
    setenv("TZ", (":" + zone).c_str(), 1);
    tzset();
  }
  ~BorrowedZone() {
    if (before_)
      setenv("TZ", before_->c_str(), 1);
    else
      unsetenv("TZ");
    tzset();
  }
  BorrowedZone(const BorrowedZone&) = delete;
  BorrowedZone& operator=(const BorrowedZone&) = delete;

 private:
  std::optional<std::string> before_;
};

std::chrono::seconds local_offset(WallTime at) {
  const time_t seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
  struct tm local {};
  if (localtime_r(&seconds, &local) == nullptr) return std::chrono::seconds(0);
  return std::chrono::seconds(local.tm_gmtoff);
}

}  // namespace

std::chrono::seconds zone_offset(const std::string& zone, WallTime at) {
  if (zone == "UTC") return std::chrono::seconds(0);
  if (zone.empty()) {
    tzset();
    return local_offset(at);
  }
  const BorrowedZone borrowed(zone);
  return local_offset(at);
}

bool zone_exists(const std::string& zone) {
  if (zone.empty() || zone == "UTC") return true;
  struct stat status {};
  return stat(("/usr/share/zoneinfo/" + zone).c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace relaypipe
