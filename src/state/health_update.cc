#include "state/health_update.h"

#include <algorithm>

#include "state/attempt_health.h"

namespace relaypipe {
namespace {

/// Only what failed is kept of an endpoint, so that it is tried after its relay's others; where it is the relay's only
/// one, the relay's own record says the same.
void apply_to_endpoint(RelayState& state, const HealthUpdate& update, const CoolDown& bounds, const Owner& self,
                       WallTime now) {
  const bool known = std::any_of(state.endpoints.begin(), state.endpoints.end(),
                                 [&](const EndpointState& endpoint) { return endpoint.address == update.name; });
  if (!known && !is_failure(update.event)) return;
  apply(endpoint_health(state, update.name), update.event, self, bounds, now);
}

}  // namespace

PairUpdates pair_updates(const ClassifiedAttempt& failed, const HealthEvent& event, const Envelope& envelope) {
  using Of = HealthUpdate::Of;
  PairUpdates pairs;
  if (failed.classification.scope == Scope::RelayRecipientDomain) {
    for (const std::string& domain : refused_domains(failed.attempt, envelope)) {
      pairs.updates.push_back({.of = Of::Domain, .name = domain, .event = event});
      pairs.updates.push_back({.of = Of::Relay, .event = of_domain(event, domain)});
    }
    pairs.only = true;
    return pairs;
  }
  pairs.only = failed.classification.scope == Scope::RelaySender;
  if (!pairs.only && !(event.transaction && event.transaction->doubtful)) return pairs;
  HealthEvent alone = event;
  if (alone.transaction) alone.transaction->sender.reset();
  pairs.updates.push_back({.of = Of::Sender, .event = std::move(alone)});
  return pairs;
}

bool is_failure(const HealthEvent& event) {
  return event.kind == HealthEvent::Kind::Failed || event.kind == HealthEvent::Kind::Superseded;
}

bool is_of_endpoint(const HealthEvent& event, const Attempt& attempt) {
  return !attempt.peer.ip.empty() && !of_whole_relay(event.cause);
}

std::optional<HealthUpdate> endpoint_update(const HealthEvent& event, const Attempt& attempt,
                                            Duration address_patience) {
  if (event.kind == HealthEvent::Kind::Ended || !is_of_endpoint(event, attempt)) return std::nullopt;
  // Another address was faster: that is no failure of this one, unless TCP had not even answered.
  const auto* const superseded = std::get_if<Superseded>(&attempt.what);
  const bool silent =
      superseded != nullptr &&
      (superseded->silent || (superseded->stage <= Stage::Connect && attempt.setup >= address_patience));
  if (superseded != nullptr && !silent) return std::nullopt;
  HealthUpdate update{
      .of = HealthUpdate::Of::Endpoint, .name = endpoint_text(attempt.peer.ip, attempt.peer.port), .event = event};
  update.event.accepted.reset();
  update.event.full_patience = true;
  return update;
}

std::optional<Change> apply(RelayHistory& history, const HealthUpdate& update, const Relay& relay,
                            const std::vector<std::string>& domains, const Owner& self, WallTime now) {
  const CoolDown& bounds = relay.settings->cool_down;
  switch (update.of) {
    case HealthUpdate::Of::Sender: apply(history.with_sender, update.event, self, bounds, now); return std::nullopt;
    case HealthUpdate::Of::Endpoint: apply_to_endpoint(history.relay, update, bounds, self, now); return std::nullopt;
    case HealthUpdate::Of::Domain: {
      const auto known = std::find(domains.begin(), domains.end(), update.name);
      if (known == domains.end()) return std::nullopt;
      const auto index = static_cast<std::size_t>(known - domains.begin());
      apply(history.with_domains[index], update.event, self, bounds, now);
      return std::nullopt;
    }
    case HealthUpdate::Of::Relay: break;
  }
  Health& health = history.relay.health;
  const Cause before = health.cause();
  if (!apply(health, update.event, self, bounds, now)) return std::nullopt;
  Change change{.kind = Change::Kind::Up, .at = now, .relay = relay.name, .cause = before, .words = update.event.words};
  if (!health.outage) return change;
  change.kind = Change::Kind::Down;
  change.cause = health.outage->cause;
  change.until = health.outage->until;
  return change;
}

bool has_failed(const Health& health) { return health.down() || !health.doubts.empty(); }

void tell_pairs_of_acceptance(RelayHistory& history, const Relay& relay, const Owner& self, WallTime now) {
  const HealthEvent accepted{.kind = HealthEvent::Kind::Accepted, .began = now};
  const auto tell = [&](Health& pair) {
    if (has_failed(pair)) apply(pair, accepted, self, relay.settings->cool_down, now);
  };
  tell(history.with_sender);
  std::for_each(history.with_domains.begin(), history.with_domains.end(), tell);
}

}  // namespace relaypipe
