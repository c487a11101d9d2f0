#pragma once

#include <string>

namespace relaypipe {

/// Which file a path names now: device and inode; empty where there is none.
std::string file_identity(const std::string& path);

/// Changes whenever somebody changes or replaces a file: its identity, size and times.
std::string file_stamp(const std::string& path);

}  // namespace relaypipe
