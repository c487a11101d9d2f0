#include "state/delivery_history.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "state/attempt_health.h"
#include "state/history_records.h"
#include "state/update_backlog.h"
#include "verdict/recipient_results.h"

namespace relaypipe {
namespace {

/// Progress sooner after the last one is not written down: it would change nothing for those that wait.
constexpr Duration kProgressKnown = std::chrono::milliseconds(100);

/// How much later than it should a process may close an idle session.
constexpr Span kKeptSlack = std::chrono::seconds(1);

}  // namespace

DeliveryHistory::DeliveryHistory(HistoryServices services, const Envelope& envelope, Instant end)
    : services_(std::move(services)), envelope_(envelope), domains_(domains_of(envelope)), end_(end) {}

void DeliveryHistory::know_self() {
  if (self_ == Owner()) self_ = services_.self();
}

Context DeliveryHistory::around() {
  const WallTime now = services_.wall.now();
  return {now,
          now + to_span(std::max(end_ - services_.clock.now(), Duration(0))),
          envelope_,
          to_span(services_.run.max_wait),
          self_,
          services_.alive,
          services_.zones,
          services_.credentials,
          services_.settings};
}

void DeliveryHistory::add_keys(std::vector<std::string>& keys, const std::string& relay) const {
  add_history_keys(keys, relay, envelope_.sender.text(), domains_);
}

void DeliveryHistory::open(RoutePlan& plan) {
  std::vector<std::string> keys;
  for (const Leg& leg : plan.legs)
    add_keys(keys, leg.relay.name);
  if (!envelope_.queue_id.empty()) {
    for (const Address& recipient : envelope_.recipients)
      keys.push_back(message_key(envelope_.queue_id, recipient.text()));
  }
  // The place of a session that this process keeps is no reason to put its relay behind the others.
  const bool limited =
      std::any_of(plan.legs.begin(), plan.legs.end(), [](const Leg& leg) { return leg.relay.limits.connections != 0; });
  if (limited && services_.keeps) know_self();
  const Context here = around();
  const std::vector<std::string> records = services_.store.read(keys, here.now);
  assert(records.size() == keys.size());
  const std::size_t size = history_size(domains_.size());
  const std::span<const std::string> all(records);
  std::vector<RelayHistory> history;
  for (std::size_t leg = 0; leg < plan.legs.size(); ++leg)
    history.push_back(history_in(all.subspan(leg * size, size)));
  read_messages(all.subspan(plan.legs.size() * size));
  const bool set_back =
      std::any_of(history.begin(), history.end(), [&](const RelayHistory& one) { return is_ahead(one, here.now); });
  if (set_back) bring_back(plan, here);
  if (services_.backlog != nullptr) calm_ = calm_relays(plan, history, here);
  for (std::size_t leg = 0; leg < plan.legs.size(); ++leg)
    look_for_facts(plan.legs[leg].relay, history[leg].relay.allowance.fleet, here.now);
  order_by_history(plan, std::move(history), here);
}

/// What earlier deliveries left of this message: a record for each recipient, or none at all.
void DeliveryHistory::read_messages(std::span<const std::string> records) {
  message_.clear();
  for (std::size_t i = 0; i < records.size(); ++i) {
    auto state = unpack_message(records[i]);
    // A key is only a hash: what it is taken for decides whether a message is sent, so it is looked at twice.
    if (state && is_of(*state, envelope_.queue_id, envelope_.recipients[i].text()))
      message_.push_back(*std::move(state));
  }
}

/// The clock was set back: takes the remembered times with it, once for all.
void DeliveryHistory::bring_back(const RoutePlan& plan, const Context& here) {
  std::vector<std::string> keys;
  for (const Leg& leg : plan.legs)
    add_keys(keys, leg.relay.name);
  services_.store.update(keys, here.now, StateWait::Brief, [&](std::vector<StateValue>& values) {
    const std::size_t size = history_size(domains_.size());
    for (std::size_t leg = 0; leg < plan.legs.size(); ++leg) {
      const std::span<StateValue> own = std::span(values).subspan(leg * size, size);
      RelayHistory one = history_in(own);
      if (!is_ahead(one, here.now)) continue;
      settle(one, plan.legs[leg].relay.limits, here);
      write_history(one, own, here.now);
    }
  });
}

void DeliveryHistory::PendingUpdates::told() {
  taken = taken && !over;
  looks = looks && !over;
  over = false;
  accepted = 0;
  updates.clear();
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
  return {.kind = kind, .began = services_.wall.now() - to_span(services_.clock.now() - began)};
}

void DeliveryHistory::progressed(const Leg& leg) {
  const auto found = pending_.find(leg.relay.name);
  if (found == pending_.end() || !found->second.looks || found->second.over) return;
  if (services_.clock.now() - found->second.looked < kProgressKnown) return;
  found->second.looked = services_.clock.now();
  const std::vector<std::string> keys{relay_key(leg.relay.name)};
  const WallTime now = services_.wall.now();
  services_.store.update(keys, now, StateWait::Brief, [&](std::vector<StateValue>& values) {
    RelayState state = state_in(values[0]);
    keep_looking(state.health.looks, self_, now + to_span(leg.relay.settings->patience));
    values[0] = value_of(state, now);
  });
}

void DeliveryHistory::ready(const Leg& leg, const Peer& peer, const ReadySession& session) {
  HealthEvent event = event_at(HealthEvent::Kind::Ready, session.began);
  event.patience = to_span(leg.relay.settings->patience);
  add_update(leg.relay, {.of = HealthUpdate::Of::Endpoint, .name = endpoint_text(peer.ip, peer.port), .event = event});
  event.ready = session.took;
  event.offers_dsn = session.offers_dsn;
  event.certificate_end = session.certificate_end;
  add_update(leg.relay, {.event = std::move(event)});
  // Whoever waits for a probe, for an unknown relay, or for a place that the others of this race gave back, is to know
  // as soon as we do.
  if (std::any_of(pending_.begin(), pending_.end(), [](const auto& one) { return one.second.taken; })) flush();
}

void DeliveryHistory::add_stamps(HealthEvent& event, const Relay& relay) const {
  const bool failed = event.kind == HealthEvent::Kind::Failed;
  if (failed && event.cause == Cause::Auth) event.stamps.credentials = services_.credentials(relay);
  if (failed || event.kind == HealthEvent::Kind::Superseded) event.stamps.settings = services_.settings(relay);
}

/// What an attempt showed of its relay; one that was broken off shows nothing, unless the message was accepted.
HealthEvent DeliveryHistory::shown(const Relay& relay, const ClassifiedAttempt& classified, Instant began,
                                   bool broken_off) const {
  const HealthEvent ended = event_at(HealthEvent::Kind::Ended, began);
  HealthEvent event = health_event(classified, relay, envelope_, ended.began);
  if (broken_off && event.kind != HealthEvent::Kind::Accepted) event = ended;
  add_stamps(event, relay);
  return event;
}

void DeliveryHistory::record(const Leg& leg, const ClassifiedAttempt& classified, Instant began, bool used_up,
                             bool broken_off) {
  const Attempt& attempt = classified.attempt;
  PendingUpdates& own = pending(leg.relay);
  own.tried |= !std::holds_alternative<Skipped>(attempt.what);
  own.over = used_up;
  const HealthEvent ended = event_at(HealthEvent::Kind::Ended, began);
  HealthEvent event = shown(leg.relay, classified, began, broken_off);
  own.accepted += recipients_accepted(event, attempt, envelope_);
  if (event.kind == HealthEvent::Kind::Failed) {
    PairUpdates pairs = pair_updates(classified, event, envelope_);
    std::move(pairs.updates.begin(), pairs.updates.end(), std::back_inserter(own.updates));
    if (pairs.only) event = ended;
  }
  if (auto there = endpoint_update(event, attempt, services_.run.address_patience))
    own.updates.push_back(*std::move(there));
  if (is_failure(event) && is_of_endpoint(event, attempt) && !used_up) {
    // Whatever is the matter with one of its addresses, the relay has not failed while another may do.
    if (!event.pipelined) return;
    HealthEvent lost = ended;
    lost.pipelined = true;
    return add_update(leg.relay, {.event = std::move(lost)});
  }
  // Where the attempt showed nothing, what was taken is free all the same.
  if (event.kind != HealthEvent::Kind::Ended || (used_up && own.taken))
    add_update(leg.relay, {.event = std::move(event)});
}

bool DeliveryHistory::release(const Leg& leg) {
  const auto found = pending_.find(leg.relay.name);
  if (found == pending_.end() || !found->second.taken) return false;
  found->second.over = true;
  add_update(leg.relay, {.event = event_at(HealthEvent::Kind::Ended, services_.clock.now())});
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
  for (const std::size_t place : recipients_of(attempt, envelope_)) {
    outgoing_.push_back({.kind = kind,
                         .at = since,
                         .content = content,
                         .queue_id = envelope_.queue_id,
                         .recipient = envelope_.recipients[place].text(),
                         .relay = attempt.peer.relay,
                         .words = describe(attempt)});
  }
  outgoing_until_ = since + useful;
}

KeptUntil DeliveryHistory::kept_until(const Relay& relay, WallTime now) const {
  if (relay.limits.connections == 0 || !services_.keeps || !services_.keeps(relay)) return std::nullopt;
  return now + to_span(relay.settings->session.idle) + kKeptSlack;
}

/// Applies the updates of one relay to its records, and ends what was taken for it when the attempts are over.
void DeliveryHistory::apply(const PendingUpdates& pending, std::span<StateValue> values, std::vector<Change>& changes) {
  const Relay& relay = *pending.relay;
  const Context here = around();
  RelayHistory history = history_in(values);
  const WallTime now = settle(history, relay.limits, here);
  for (const HealthUpdate& update : pending.updates) {
    if (auto change = relaypipe::apply(history, update, relay, domains_, self_, now))
      changes.push_back(*std::move(change));
  }
  if (pending.accepted > 0) tell_pairs_of_acceptance(history, relay, self_, now);
  Allowance& allowance = history.relay.allowance;
  if (pending.accepted > 0) {
    count(allowance, relay.limits, here.self, pending.accepted, now, here.zones, kept_until(relay, now));
  } else if (pending.taken && pending.over) {
    give_back(allowance, relay.limits, here.self, now, kept_until(relay, now));
  }
  refill_where_due(relay, allowance, !changes.empty() && changes.back().relay == relay.name, now);
  write_history(history, values, now);
}

void DeliveryHistory::write_messages(std::vector<StateValue>& values, std::size_t first) {
  for (std::size_t i = 0; i < outgoing_.size(); ++i)
    values[first + i] = {.octets = pack(outgoing_[i]), .useful_until = outgoing_until_};
}

/// Whether it waits in the backlog from now on.
bool DeliveryHistory::leave_for_later(PendingUpdates& pending) {
  if (pending.taken || !calm_.contains(pending.relay->name) || !may_wait(pending.updates)) return false;
  services_.backlog->add(*pending.relay, std::exchange(pending.updates, {}), services_.clock.now());
  pending.told();
  return true;
}

void DeliveryHistory::flush() {
  std::vector<std::string> keys;
  std::vector<PendingUpdates*> open;
  StateWait wait = StateWait::Brief;
  for (auto& [name, pending] : pending_) {
    if (pending.updates.empty() || leave_for_later(pending)) continue;
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
    const std::size_t size = history_size(domains_.size());
    for (std::size_t i = 0; i < open.size(); ++i)
      apply(*open[i], std::span(values).subspan(i * size, size), changes);
    write_messages(values, relays);
  });
  for (PendingUpdates* const pending : open)
    pending->told();
  outgoing_.clear();
  std::for_each(changes.begin(), changes.end(), services_.changed);
}

}  // namespace relaypipe
