#pragma once

#include <string>
#include <vector>

#include "command/token/state.h"

namespace relaypipe {

/// `relaypipe token --json`; the fields are described in relaypipe-json(5).
std::string token_json(const std::vector<TokenState>& states, TokenTime now);

}  // namespace relaypipe
