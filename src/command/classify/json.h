#pragma once

#include <string>

#include "relay/relay.h"
#include "verdict/classify.h"

namespace relaypipe {

/// `relaypipe classify --json`; the fields are described in relaypipe-json(5).
std::string classify_json(const Relay& relay, Stage stage, const Reply& reply, const Classification& classification);

}  // namespace relaypipe
