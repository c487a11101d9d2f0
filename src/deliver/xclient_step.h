#pragma once

#include <string_view>

#include "base/result.h"
#include "deliver/attempt.h"
#include "deliver/session.h"
#include "smtp/capabilities.h"
#include "smtp/reply.h"

namespace relaypipe {

/// XCLIENT, where the relay is configured for it and offers it: the relay then treats the session as that of the client
/// who gave us the message. Returns what it offers from now on, else what ended the session. That is always the relay's
/// matter: a client it does not want is no fault of the message, so the next relay gets it.
Result<Capabilities, AttemptResult> run_xclient_step(Session& session, const Peer& peer, const AttemptContext& context);

/// A relay did not take what we tell of the client. The message goes on without, but whoever configured it should know.
void note_refused_report(std::string_view command, const Reply& reply, const Peer& peer, const AttemptContext& context);

}  // namespace relaypipe
