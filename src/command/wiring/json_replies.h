#pragma once

#include <string>
#include <string_view>

#include "relay/provider.h"
#include "relay/relay.h"
#include "verdict/classify.h"

namespace relaypipe {

/// What relaypipe does about a judgement, in words: `next relay; defer when there is none`.
std::string_view action_text(const Classification& classification);

/// `relaypipe classify --json`; the fields are described in relaypipe-json(5).
std::string classify_json(const Relay& relay, Stage stage, const Reply& reply, const Classification& classification);

/// `relaypipe providers --json`: of one provider, or of all (nullptr).
std::string providers_json(const Provider* provider);

}  // namespace relaypipe
