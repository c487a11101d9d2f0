#pragma once

#include "route/endpoint_lookup.h"
#include "smtp/reply.h"
#include "smtp/stage.h"

namespace relaypipe {

/// Follows what relays say while sessions are opened, as values: for a report on them. A Trace has the same as text.
class HandshakeObserver {
 public:
  virtual ~HandshakeObserver() = default;
  /// A whole reply has come. `stage` is where the attempt stands now: Greeting after the greeting, Ehlo after the reply
  /// to EHLO or HELO.
  virtual void replied(const Peer& peer, Stage stage, const Reply& reply) = 0;
};

}  // namespace relaypipe
