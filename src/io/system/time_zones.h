#pragma once

#include <chrono>
#include <string>

#include "base/wall_time.h"

namespace relaypipe {

/// How far a time zone is ahead of UTC at some time, from the machine's zone data: an IANA name, "UTC", or empty for
/// the machine's own zone (TZ, or /etc/localtime). A zone that is not there counts as UTC.
std::chrono::seconds zone_offset(const std::string& zone, WallTime at);

/// Whether the machine knows it.
bool zone_exists(const std::string& zone);

/// The zone that a name which does not exist is nearest to, letter case aside; empty where none is near.
std::string nearest_zone(const std::string& zone);

}  // namespace relaypipe
