#pragma once

#include <string>

#include "oauth/token_answer.h"
#include "relay/relay.h"

namespace relaypipe {

/// `token endpoint login.example.com`: how an endpoint is named in texts.
std::string endpoint_name(const std::string& url);

/// What an endpoint's refusal means for the administrator: the trouble's own phrase, and the way out where there is
/// one.
std::string endpoint_refusal(const Relay& relay, const EndpointTrouble& trouble);

/// How a person gets a refresh token for this relay: the end of a sentence.
std::string way_to_authorize(const Relay& relay);

}  // namespace relaypipe
