#pragma once

#include <string>

#include "command/wiring/request.h"

namespace relaypipe {

/// `relaypipe check --json`; the fields are described in relaypipe-json(5).
std::string check_json(const LoadedConfiguration& loaded);

}  // namespace relaypipe
