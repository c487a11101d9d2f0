#pragma once

#include <string>
#include <string_view>

#include "relay/relay.h"
#include "verdict/classify.h"

namespace relaypipe {

/// `relaypipe classify --json`; the fields are described in relaypipe-json(5). `stage` and `reply` as they are shown.
std::string classify_json(const Relay& relay, std::string_view stage, const std::string& reply,
                          const Classification& classification);

}  // namespace relaypipe
