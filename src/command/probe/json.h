#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "command/probe/result.h"

namespace relaypipe {

/// `relaypipe probe --json`; the fields are described in relaypipe-json(5). `now` in seconds since 1970.
std::string probe_json(const std::vector<RelayProbe>& probes, std::int64_t now);

}  // namespace relaypipe
