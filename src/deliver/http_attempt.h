#pragma once

#include <cstddef>
#include <string>

#include "deliver/attempt.h"
#include "deliver/https_services.h"
#include "deliver/session.h"

namespace relaypipe {

/// Runs one transaction with a relay that speaks HTTPS, whose provider has an interface (http/provider_api.h): one
/// request over a ready session. The message is complete, and the envelope has no more recipients than the interface
/// takes at once, where it takes them apart from the header.
///
/// Trouble before the first octet of the body has left is Lost or a ProtocolError; from then on, without a valid
/// answer, the result is Unconfirmed: no interface can tell the same message offered twice. When `halted` says so
/// before the last octet, which is held back, nothing is committed.
AttemptOutcome run_http_attempt(Session& session, const Peer& peer, const AttemptContext& context,
                                const HttpsServices& https);

/// How many recipients a relay takes in one transaction. With SMTP it says so itself, and an interface that goes by the
/// header has to be told of all at once.
std::size_t most_recipients(const Relay& relay);

/// The host as requests name it (RFC 9110 section 7.2).
std::string host_field(const Relay& relay, const Peer& peer);

}  // namespace relaypipe
