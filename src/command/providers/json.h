#pragma once

#include <string>

#include "relay/provider.h"

namespace relaypipe {

/// `relaypipe providers --json`, of one provider, or of all (nullptr); the fields are described in relaypipe-json(5).
std::string providers_json(const Provider* provider);

}  // namespace relaypipe
