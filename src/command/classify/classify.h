#pragma once

#include <string_view>

#include "command/wiring/command.h"
#include "verdict/classify.h"

namespace relaypipe {

/// `relaypipe classify`: what a relay's reply means, what relaypipe would do about it, and which rule says so. Sends
/// nothing.
extern const Command kClassifyCommand;

/// What relaypipe does about a classification, in words: `next relay; defer when there is none`.
std::string_view action_text(const Classification& classification);

}  // namespace relaypipe
