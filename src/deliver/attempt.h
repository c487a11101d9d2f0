#pragma once

#include <functional>
#include <vector>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/event_loop.h"
#include "base/journal.h"
#include "deliver/observer.h"
#include "deliver/parent.h"
#include "deliver/session.h"
#include "message/envelope.h"
#include "message/message_source.h"
#include "relay/relay.h"
#include "smtp/transaction_request.h"
#include "verdict/attempt_result.h"

namespace relaypipe {

/// What an attempt needs besides its session.
struct AttemptContext {
  const Envelope& envelope;
  MessageSource& message;
  const Relay& relay;
  Deadline deadline;
  const Clock& clock;
  EventLoop& event_loop;
  Journal* journal = nullptr;
  Trace* trace = nullptr;
  /// Whether the delivery has to stop now: the caller is gone, a signal came, or the deadline passed. Asked at every
  /// step, and with a look of its own right before the dot.
  std::function<bool(Parent::Look)> halted;
  /// Another relay could take the message: replies before the dot have to come within `stall_limit`.
  bool others_left = false;
  /// Commands are sent one at a time even where the relay announces PIPELINING.
  bool one_by_one = false;
  TransactionRequest::Goal goal = TransactionRequest::Goal::All;
};

/// What an attempt showed.
struct AttemptOutcome {
  AttemptResult result;
  std::vector<Reply> recipient_replies = {};  ///< to RCPT, in the order of the recipients, as many as came
};

/// Runs one transaction over a ready session and says what it showed. The message is complete. Nothing is committed
/// when `halted` said so before the final dot; after the dot it only shortens the wait for the reply.
AttemptOutcome run_attempt(Session& session, const Peer& peer, const AttemptContext& context);

}  // namespace relaypipe
