#include "command/wiring/https_parts.h"

#include <algorithm>
#include <string>

#include "io/base/json_reader.h"
#include "io/system/sha_digest.h"

namespace relaypipe {
namespace {

constexpr std::size_t kBoundaryOctets = 24;

/// Letters and digits alone: which of them stands for the two others of base64url matters little.
std::string random_boundary() {
  std::string text = random_base64url(kBoundaryOctets);
  std::replace(text.begin(), text.end(), '-', 'x');
  std::replace(text.begin(), text.end(), '_', 'y');
  return text;
}

}  // namespace

HttpsServices https_services(const WallClock& wall) {
  return {[&wall] { return wall.now(); }, make_sha256, random_boundary, read_json};
}

}  // namespace relaypipe
