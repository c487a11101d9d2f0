#include "io/system/time_zones.h"

#include <stdlib.h>
#include <time.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <vector>

#include "config/nearest.h"

namespace relaypipe {
namespace {

namespace fs = std::filesystem;

/// Where the C library has them as well.
constexpr std::string_view kDatabase = "/usr/share/zoneinfo/";

/// Other files lie in the same directory; zones begin with these octets (RFC 8536 section 3.1).
bool is_zone_file(const std::string& path) {
  std::array<char, 4> magic{};
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return false;
  std::ifstream file(path, std::ios::binary);
  return file.read(magic.data(), magic.size()) && std::string_view(magic.data(), magic.size()) == "TZif";
}

/// The names in the database, without the second copies of it below `posix` and `right`.
std::vector<std::string> zone_names() {
  std::vector<std::string> names;
  std::error_code error;
  auto entry = fs::recursive_directory_iterator(kDatabase, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().string().substr(kDatabase.size());
    if (name == "posix" || name == "right") entry.disable_recursion_pending();
    // No zone has a dot; the tables and the notes beside them do.
    if (name.find('.') == name.npos) names.push_back(name);
  }
  return names;
}

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
  return is_zone_file(std::string(kDatabase) + zone);
}

std::string nearest_zone(const std::string& zone) {
  const std::vector<std::string> names = zone_names();
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto near = nearest(zone, known);
  return near && zone_exists(std::string(*near)) ? std::string(*near) : std::string();
}

}  // namespace relaypipe
