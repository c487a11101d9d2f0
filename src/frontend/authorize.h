#pragma once

#include <string>

#include "frontend/token_parts.h"
#include "route/relay.h"

namespace relaypipe {

/// Walks a person through the device flow (RFC 8628): shows an address and a code, waits until the code was entered
/// there, and keeps the tokens that come. The error is a phrase for the person.
Result<bool, std::string> authorize(const Relay& relay, TokenParts& parts, const Clock& clock);

}  // namespace relaypipe
