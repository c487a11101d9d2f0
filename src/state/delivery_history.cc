#include "state/delivery_history.h"

#include <algorithm>

#include "state/attempt_health.h"
#include "verdict/recipient_results.h"

namespace relaypipe {
namespace {

/// Progress sooner after the last one is not written down: it would change nothing for those that wait.
constexpr Duration kProgressKnown = std::chrono::milliseconds(100);

RelayState state_of(const StateValue& value) { return unpack(value.octets).value_or(RelayState()); }

Health health_in(std::string_view octets) { return unpack(octets).value_or(RelayState()).health; }

/// The records of a relay, of it with the sender, and of it with each of the recipients' domains.
RelayHistory remembered_in(std::span<const StateValue> values) {
  RelayHistory history{state_of(values[0]), health_in(values[1].octets)};
  for (const StateValue& value : values.subspan(2))
    history.with_domains.push_back(health_in(value.octets));
  return history;
}

StateValue value_of(const RelayState& state, WallTime now) { return {pack(state), useful_until(state, now)}; }

/// Puts them back; a pair of which nothing is known has no record.
void keep(const RelayHistory& history, std::span<StateValue> values, WallTime now) {
  values[0] = value_of(history.relay, now);
  for (std::size_t i = 1; i < values.size(); ++i) {
    RelayState pair;
    pair.health = i == 1 ? history.with_sender : history.with_domains[i - 2];
    if (pair.health.stamp != kNever) values[i] = value_of(pair, now);
  }
}

/// Whether an acceptance says something new of it.
bool has_failed(const Health& pair) { return pair.since != kNever || !pair.doubts.empty(); }

/// Learns what is known of one endpoint. Only what failed is kept of it, so that it is tried after its relay's others;
/// where it is the relay's only one, the relay's own record says the same.
void apply_to_endpoint(RelayState& state, const std::string& address, const HealthEvent& event, const Owner& self,
                       const CoolDown& bounds, WallTime now) {
  const auto known = std::find_if(state.endpoints.begin(), state.endpoints.end(),
                                  [&](const EndpointState& e) { return e.address == address; });
  const bool failed = event.kind == HealthEvent::Kind::Failed || event.kind == HealthEvent::Kind::Superseded;
  if (known == state.endpoints.end() && !failed) return;
  apply(endpoint_health(state, address), event, self, bounds, now);
}

}  // namespace

DeliveryHistory::DeliveryHistory(HistoryServices services, const Envelope& envelope, Instant end)
    : services_(std::move(services)), envelope_(envelope), domains_(domains_of(envelope)), end_(end) {}

Context DeliveryHistory::around() {
  const WallTime now = services_.wall.now();
  return {now,
          now + to_span(std::max(end_ - services_.clock.now(), Duration(0))),
          envelope_,
          self_,
          services_.alive,
          services_.zones,
          services_.credentials,
          services_.settings};
}

/// The keys of everything that is remembered of a relay and concerns this message; values_of() has their order.
void DeliveryHistory::add_keys(std::vector<std::string>& keys, const std::string& relay) const {
  keys.push_back(relay_key(relay));
  keys.push_back(sender_key(relay, envelope_.sender.text()));
  for (const std::string& domain : domains_)
    keys.push_back(domain_key(relay, domain));
}

void DeliveryHistory::open(RoutePlan& plan) {
  std::vector<std::string> keys;
  for (const Leg& leg : plan.legs)
    add_keys(keys, leg.relay.name);
  if (!envelope_.queue_id.empty()) {
    for (const Address& recipient : envelope_.recipients)
      keys.push_back(message_key(envelope_.queue_id, recipient.text()));
  }
  const Context here = around();
  const std::vector<std::string> records = services_.store.read(keys, here.now);
  std::vector<RelayHistory> history;
  std::size_t next = 0;
  for (std::size_t leg = 0; leg < plan.legs.size(); ++leg) {
    history.push_back({unpack(records[next++]).value_or(RelayState()), health_in(records[next++])});
    for (std::size_t domain = 0; domain < domains_.size(); ++domain)
      history.back().with_domains.push_back(health_in(records[next++]));
  }
  message_.clear();
  const std::size_t messages = next;
  for (; next < records.size(); ++next) {
    auto state = unpack_message(records[next]);
    // A key is only a hash: what it is taken for decides whether a message is sent, so it is looked at twice.
    const Address& recipient = envelope_.recipients[next - messages];
    if (state && is_of(*state, envelope_.queue_id, recipient.text())) message_.push_back(*std::move(state));
  }
  const bool set_back =
      std::any_of(history.begin(), history.end(), [&](const RelayHistory& one) { return is_ahead(one, here.now); });
  if (set_back) bring_back(plan, here);
  order_by_history(plan, std::move(history), here);
}

/// The clock was set back: takes the remembered times with it, once for all.
void DeliveryHistory::bring_back(const RoutePlan& plan, const Context& here) {
  std::vector<std::string> keys;
  for (const Leg& leg : plan.legs)
    add_keys(keys, leg.relay.name);
  services_.store.update(keys, here.now, StateWait::Brief, [&](std::vector<StateValue>& values) {
    const std::size_t records = values.size() / plan.legs.size();
    for (std::size_t leg = 0; leg < plan.legs.size(); ++leg) {
      const std::span<StateValue> own = std::span(values).subspan(leg * records, records);
      RelayHistory one = remembered_in(own);
      if (!is_ahead(one, here.now)) continue;
      settle(one, plan.legs[leg].relay.limits, here);
      keep(one, own, here.now);
    }
  });
}

DeliveryHistory::Answer DeliveryHistory::admit(const Leg& leg, Duration waited) {
  std::vector<std::string> keys;
  add_keys(keys, leg.relay.name);
  if (self_ == Owner()) self_ = services_.self();
  const Context here = around();
  const auto mine = pending_.find(leg.relay.name);
  const bool again = mine != pending_.end() && mine->second.tried;
  Admission admission;
  const StateWait wait = leg.relay.limits.any() ? StateWait::Exact : StateWait::Brief;
  services_.store.update(keys, here.now, wait, [&](std::vector<StateValue>& values) {
    RelayHistory history = remembered_in(values);
    admission = relaypipe::admit(history, leg, to_span(waited), again, here);
    if (admission.kind == Admission::Kind::Go) values[0] = value_of(history.relay, here.now);
  });
  if (admission.kind == Admission::Kind::Go) {
    PendingUpdates& own = pending(leg.relay);
    own.taken = true;
    own.looks = admission.looks;
    own.looked = services_.clock.now();
    own.over = false;
  }
  return {admission.kind, services_.clock.now() + std::max(admission.at - here.now, Span(1)), std::move(admission.why)};
}

DeliveryHistory::PendingUpdates& DeliveryHistory::pending(const Relay& relay) {
  PendingUpdates& found = pending_[relay.name];
  found.relay = &relay;
  return found;
}

void DeliveryHistory::add_update(const Relay& relay, HealthUpdate update) {
  pending(relay).updates.push_back(std::move(update));
}

HealthEvent DeliveryHistory::event_at(HealthEvent::Kind kind, Instant began) const {
  HealthEvent event;
  event.kind = kind;
  event.began = services_.wall.now() - to_span(services_.clock.now() - began);
  return event;
}

void DeliveryHistory::progressed(const Leg& leg) {
  const auto found = pending_.find(leg.relay.name);
  if (found == pending_.end() || !found->second.looks || found->second.over) return;
  if (services_.clock.now() - found->second.looked < kProgressKnown) return;
  found->second.looked = services_.clock.now();
  const std::vector<std::string> keys{relay_key(leg.relay.name)};
  const WallTime now = services_.wall.now();
  services_.store.update(keys, now, StateWait::Brief, [&](std::vector<StateValue>& values) {
    RelayState state = state_of(values[0]);
    keep_looking(state.health, self_, now + to_span(leg.relay.settings.patience));
    values[0] = value_of(state, now);
  });
}

void DeliveryHistory::ready(const Leg& leg, const Peer& peer, Instant began, Duration took, WallTime certificate_end) {
  HealthEvent event = event_at(HealthEvent::Kind::Ready, began);
  event.patience = to_span(leg.relay.settings.patience);
  add_update(leg.relay, {event, endpoint_text(peer.ip, peer.port), HealthUpdate::Of::Endpoint, ""});
  event.ready = took;
  event.certificate_end = certificate_end;
  add_update(leg.relay, {event, "", HealthUpdate::Of::Relay, ""});
  // Whoever waits for a probe, for an unknown relay, or for a place that the others of this race gave back, is to know
  // as soon as we do.
  if (std::any_of(pending_.begin(), pending_.end(), [](const auto& one) { return one.second.taken; })) flush();
}

void DeliveryHistory::add_stamps(HealthEvent& event, const Relay& relay) const {
  const bool failed = event.kind == HealthEvent::Kind::Failed;
  if (failed && event.cause == Cause::Auth) event.stamps.credentials = services_.credentials(relay);
  if (failed || event.kind == HealthEvent::Kind::Superseded) event.stamps.settings = services_.settings(relay);
}

/// What a failure says of the relay with this sender, or with the recipients' domains. True when it says no more.
bool DeliveryHistory::add_pair_updates(const Relay& relay, const ClassifiedAttempt& classified,
                                       const HealthEvent& event) {
  if (classified.classification.scope == Scope::RelayRecipientDomain) {
    for (const std::string& domain : refused_domains(classified.attempt, envelope_)) {
      add_update(relay, {event, "", HealthUpdate::Of::Domain, domain});
      add_update(relay, {of_domain(event, domain), "", HealthUpdate::Of::Relay, ""});
    }
    return true;
  }
  const bool of_sender = classified.classification.scope == Scope::RelaySender;
  if (!of_sender && !event.doubtful) return false;
  HealthEvent alone = event;
  alone.sender = 0;
  add_update(relay, {std::move(alone), "", HealthUpdate::Of::Sender, ""});
  return of_sender;
}

void DeliveryHistory::record(const Leg& leg, const ClassifiedAttempt& classified, Instant began, bool used_up,
                             bool broken_off) {
  const auto& [attempt, classification] = classified;
  pending(leg.relay).tried |= !std::holds_alternative<Skipped>(attempt.what);
  pending(leg.relay).over = used_up;
  const WallTime started = services_.wall.now() - to_span(services_.clock.now() - began);
  HealthEvent event = health_event(classified, leg.relay, envelope_, started);
  if (broken_off && event.kind != HealthEvent::Kind::Accepted) event = event_at(HealthEvent::Kind::Ended, began);
  add_stamps(event, leg.relay);
  pending(leg.relay).accepted += recipients_accepted(event, attempt, envelope_);
  if (event.kind == HealthEvent::Kind::Failed && add_pair_updates(leg.relay, classified, event)) {
    // The relay itself, and its address, are as well as they were.
    event = event_at(HealthEvent::Kind::Ended, began);
  }
  const auto* const superseded = std::get_if<Superseded>(&attempt.what);
  const bool of_endpoint = !attempt.peer.ip.empty() && !of_whole_relay(event.cause);
  // Another address was faster: that is no failure of this one, unless TCP had not even answered.
  const bool silent = superseded != nullptr &&
                      (superseded->silent ||
                       (superseded->stage <= Stage::Connect && attempt.setup >= leg.relay.settings.address_patience));
  if (of_endpoint && event.kind != HealthEvent::Kind::Ended && (superseded == nullptr || silent)) {
    HealthEvent there = event;
    there.accepted.reset();
    there.full_patience = true;
    add_update(leg.relay,
               {std::move(there), endpoint_text(attempt.peer.ip, attempt.peer.port), HealthUpdate::Of::Endpoint, ""});
  }
  // Whatever is the matter with one of its addresses, the relay has not failed while another may do.
  const bool failed = event.kind == HealthEvent::Kind::Failed || event.kind == HealthEvent::Kind::Superseded;
  if (failed && of_endpoint && !used_up) {
    if (!event.pipelined) return;
    event = event_at(HealthEvent::Kind::Ended, began);
    event.pipelined = true;
    return add_update(leg.relay, {std::move(event), "", HealthUpdate::Of::Relay, ""});
  }
  // Where the attempt showed nothing, what was taken is free all the same.
  const bool ended = event.kind == HealthEvent::Kind::Ended;
  if (!ended || (used_up && pending(leg.relay).taken))
    add_update(leg.relay, {std::move(event), "", HealthUpdate::Of::Relay, ""});
}

bool DeliveryHistory::release(const Leg& leg) {
  const auto found = pending_.find(leg.relay.name);
  if (found == pending_.end() || !found->second.taken) return false;
  found->second.over = true;
  add_update(leg.relay, {event_at(HealthEvent::Kind::Ended, services_.clock.now()), "", HealthUpdate::Of::Relay, ""});
  return true;
}

void DeliveryHistory::remember_message(MessageState::Kind kind, const Attempt& attempt, std::uint64_t content,
                                       Span useful) {
  outgoing_.clear();
  if (envelope_.queue_id.empty()) return;
  WallTime since = services_.wall.now();
  for (const MessageState& before : message_) {
    // Its hold began with the first dot that this relay gave no reply to.
    const bool same = before.kind == kind && before.content == content && before.relay == attempt.peer.relay;
    if (same && kind == MessageState::Kind::Unconfirmed) since = std::min(since, before.at);
  }
  for (const std::size_t place : recipients_of(attempt, envelope_))
    outgoing_.push_back({kind, since, content, envelope_.queue_id, envelope_.recipients[place].text(),
                         attempt.peer.relay, describe(attempt)});
  outgoing_until_ = since + useful;
}

/// Applies the lessons of one relay to its records, and ends what was taken for it when the attempts are over.
void DeliveryHistory::apply(const PendingUpdates& pending, std::span<StateValue> values, std::vector<Change>& changes) {
  const Relay& relay = *pending.relay;
  const Context here = around();
  RelayHistory history = remembered_in(values);
  const WallTime now = settle(history, relay.limits, here);
  for (const HealthUpdate& update : pending.updates)
    apply(update, relay, history, now, changes);
  if (pending.accepted > 0) {
    HealthEvent accepted;
    accepted.kind = HealthEvent::Kind::Accepted;
    accepted.began = now;
    const auto tell = [&](Health& pair) {
      if (has_failed(pair)) relaypipe::apply(pair, accepted, self_, relay.settings.cool_down, now);
    };
    tell(history.with_sender);
    std::for_each(history.with_domains.begin(), history.with_domains.end(), tell);
  }
  Allowance& allowance = history.relay.allowance;
  if (pending.accepted > 0) {
    count(allowance, relay.limits, here.self, pending.accepted, now, here.zones);
  } else if (pending.taken && pending.over) {
    give_back(allowance, relay.limits, here.self, now);
  }
  keep(history, values, now);
}

void DeliveryHistory::apply(const HealthUpdate& update, const Relay& relay, RelayHistory& history, WallTime now,
                            std::vector<Change>& changes) {
  const CoolDown& bounds = relay.settings.cool_down;
  Health& health = history.relay.health;
  switch (update.of) {
    case HealthUpdate::Of::Sender: relaypipe::apply(history.with_sender, update.event, self_, bounds, now); return;
    case HealthUpdate::Of::Endpoint:
      apply_to_endpoint(history.relay, update.endpoint, update.event, self_, bounds, now);
      return;
    case HealthUpdate::Of::Domain: {
      const auto known = std::find(domains_.begin(), domains_.end(), update.domain);
      if (known == domains_.end()) return;
      const auto index = static_cast<std::size_t>(known - domains_.begin());
      relaypipe::apply(history.with_domains[index], update.event, self_, bounds, now);
      return;
    }
    case HealthUpdate::Of::Relay: break;
  }
  const Cause before = health.cause;
  if (!relaypipe::apply(health, update.event, self_, bounds, now)) return;
  const bool down = health.since != kNever;
  changes.push_back({down ? Change::Kind::Down : Change::Kind::Up, now, relay.name, down ? health.cause : before,
                     health.until, update.event.words});
}

void DeliveryHistory::write_messages(std::vector<StateValue>& values, std::size_t first) {
  for (std::size_t i = 0; i < outgoing_.size(); ++i)
    values[first + i] = {pack(outgoing_[i]), outgoing_until_};
}

void DeliveryHistory::flush() {
  std::vector<std::string> keys;
  std::vector<PendingUpdates*> open;
  StateWait wait = StateWait::Brief;
  for (auto& [name, pending] : pending_) {
    if (pending.updates.empty()) continue;
    if (pending.relay->limits.any()) wait = StateWait::Exact;
    open.push_back(&pending);
    add_keys(keys, name);
  }
  const std::size_t relays = keys.size();
  for (const MessageState& message : outgoing_)
    keys.push_back(message_key(message.queue_id, message.recipient));
  if (keys.empty()) return;
  std::vector<Change> changes;
  services_.store.update(keys, services_.wall.now(), wait, [&](std::vector<StateValue>& values) {
    const std::size_t records = 2 + domains_.size();
    for (std::size_t i = 0; i < open.size(); ++i)
      apply(*open[i], std::span(values).subspan(i * records, records), changes);
    write_messages(values, relays);
  });
  for (PendingUpdates* const pending : open) {
    pending->taken = pending->taken && !pending->over;
    pending->looks = pending->looks && !pending->over;
    pending->over = false;
    pending->accepted = 0;
    pending->updates.clear();
  }
  outgoing_.clear();
  std::for_each(changes.begin(), changes.end(), services_.changed);
}

}  // namespace relaypipe
