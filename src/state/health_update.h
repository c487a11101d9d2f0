#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/wall_time.h"
#include "message/envelope.h"
#include "relay/relay.h"
#include "state/change.h"
#include "state/health_event.h"
#include "state/relay_history.h"
#include "verdict/classify.h"

namespace relaypipe {

/// An event, and of what it speaks: the relay, one of its endpoints, or the relay with the message's sender or with one
/// of the recipients' domains.
struct HealthUpdate {
  enum class Of { Relay, Endpoint, Sender, Domain } of = Of::Relay;
  std::string name = {};  ///< of the endpoint, `192.0.2.1:587`, or of the domain
  HealthEvent event;
};

/// What a session showed when it was ready.
struct ReadySession {
  Instant began;                                 ///< when it was dialled
  Duration took;                                 ///< from then
  std::optional<WallTime> certificate_end = {};  ///< of the relay's certificate; nothing in clear text
  bool offers_dsn = false;
};

/// What a failure says of the relay with this sender, or with the recipients' domains.
struct PairUpdates {
  std::vector<HealthUpdate> updates;
  bool only = false;  ///< it says no more: the relay itself, and its endpoint, are as well as they were
};
PairUpdates pair_updates(const ClassifiedAttempt& failed, const HealthEvent& event, const Envelope& envelope);

/// Whether the relay, or what the event speaks of, is the worse for it.
bool is_failure(const HealthEvent& event);

/// Whether the event speaks of the endpoint it was met at, and not of the relay as a whole.
bool is_of_endpoint(const HealthEvent& event, const Attempt& attempt);

/// What an attempt says of its endpoint; nothing where it does not speak of that. `address_patience`: of the run.
std::optional<HealthUpdate> endpoint_update(const HealthEvent& event, const Attempt& attempt,
                                            Duration address_patience);

/// Applies an update of `self` to what is remembered of its relay; `domains` are the recipients', as domains_of() lists
/// them. The change, when the relay went down or came back.
std::optional<Change> apply(RelayHistory& history, const HealthUpdate& update, const Relay& relay,
                            const std::vector<std::string>& domains, const Owner& self, WallTime now);

/// Whether an acceptance says something new of a relay, or of its pair with a sender or a domain.
bool has_failed(const Health& health);

/// Tells the relay's pairs with the sender and the domains that it has accepted a message.
void tell_pairs_of_acceptance(RelayHistory& history, const Relay& relay, const Owner& self, WallTime now);

}  // namespace relaypipe
