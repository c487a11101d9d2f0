#pragma once

#include <functional>
#include <string>

#include "base/sha256.h"
#include "base/wall_time.h"
#include "http/json_members.h"

namespace relaypipe {

/// What requests are made with, besides their session and their message.
struct HttpsServices {
  std::function<WallTime()> now;  ///< the time of day, which signatures have
  MakeSha256 sha256;
  std::function<std::string()> boundary;  ///< letters and digits nobody can guess, at least 128 bits of them
  ReadJson read_json = nullptr;           ///< for what is answered
};

}  // namespace relaypipe
