#pragma once

#include <string>

#include "command/token/token_parts.h"
#include "relay/relay.h"

namespace relaypipe {

/// Walks a person through the device flow (RFC 8628), which shows an address and a code and waits until the code was
/// entered there; or, where there is no device endpoint, through a consent in the browser (RFC 6749 section 4.1), whose
/// last address the person pastes here. Keeps the tokens that come. The error is a phrase for the person.
Result<bool, std::string> authorize(const Relay& relay, TokenParts& parts, const Clock& clock);

}  // namespace relaypipe
