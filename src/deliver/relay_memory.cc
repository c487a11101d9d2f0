#include "deliver/relay_memory.h"

#include <algorithm>

namespace relaypipe {
namespace {

/// Trouble that a relay cannot be blamed for: our own configuration or machine, or a loop of our own.
bool is_own_trouble(const Outcome& outcome) {
  const auto* const unreached = std::get_if<Unreached>(&outcome.what);
  if (unreached == nullptr) return false;
  switch (unreached->trouble) {
    case Trouble::NoCredentials:
    case Trouble::Misconfigured:
    case Trouble::Local:
    case Trouble::LoopsBack:
    case Trouble::NoPrimary: return true;
    default: return unreached->recipient_domain;
  }
}

/// What an attempt showed, as far as health is concerned.
HealthEvent::Kind kind_of(const Judged& judged) {
  const auto& [outcome, judgement] = judged;
  using Kind = HealthEvent::Kind;
  if (judgement.severity == Severity::Success) return Kind::Accepted;
  if (std::holds_alternative<Outrun>(outcome.what)) return Kind::Outrun;
  if (std::holds_alternative<Unconfirmed>(outcome.what)) return Kind::Failed;
  if (std::holds_alternative<PassedOver>(outcome.what) || is_own_trouble(outcome)) return Kind::Ended;
  // A sender that is refused for good is the message's trouble, not that of our account.
  if (judgement.severity == Severity::Hard) return Kind::Ended;
  const bool of_relay = judgement.scope == Scope::Relay || judgement.scope == Scope::RelaySender;
  return of_relay ? Kind::Failed : Kind::Ended;
}

RelayState state_of(const StateValue& value) { return unpack(value.octets).value_or(RelayState()); }

StateValue value_of(const RelayState& state, WallTime now) { return {pack(state), useful_until(state, now)}; }

/// Learns what is known of one endpoint. Only what failed is kept of it, so that it is tried after its relay's others;
/// where it is the relay's only one, the relay's own record says the same.
void learn_endpoint(RelayState& state, const std::string& address, const HealthEvent& event, const Owner& self,
                    const CoolDown& bounds, WallTime now) {
  const auto known = std::find_if(state.endpoints.begin(), state.endpoints.end(),
                                  [&](const EndpointState& e) { return e.address == address; });
  const bool failed = event.kind == HealthEvent::Kind::Failed || event.kind == HealthEvent::Kind::Outrun;
  if (known == state.endpoints.end() && !failed) return;
  learn(endpoint_health(state, address), event, self, bounds, now);
}

}  // namespace

RelayMemory::RelayMemory(MemoryWorld world, const Envelope& envelope, Instant end)
    : world_(std::move(world)), envelope_(envelope), end_(end) {}

Circumstances RelayMemory::around() {
  const WallTime now = world_.wall.now();
  return {now,
          now + to_span(std::max(end_ - world_.clock.now(), Duration(0))),
          envelope_,
          self_,
          world_.alive,
          world_.zones,
          world_.credentials};
}

void RelayMemory::open(RoutePlan& plan) {
  std::vector<std::string> keys;
  for (const Leg& leg : plan.legs) {
    keys.push_back(relay_key(leg.relay.name));
    keys.push_back(sender_key(leg.relay.name, envelope_.sender.text()));
  }
  if (!envelope_.queue_id.empty()) {
    for (const Address& recipient : envelope_.recipients)
      keys.push_back(message_key(envelope_.queue_id, recipient.text()));
  }
  const Circumstances here = around();
  const std::vector<std::string> records = world_.store.read(keys, here.now);
  std::vector<Remembered> remembered;
  std::size_t next = 0;
  for (std::size_t leg = 0; leg < plan.legs.size(); ++leg, next += 2) {
    remembered.push_back(
        {unpack(records[next]).value_or(RelayState()), unpack(records[next + 1]).value_or(RelayState()).health});
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
      std::any_of(remembered.begin(), remembered.end(), [&](const Remembered& one) { return is_ahead(one, here.now); });
  if (set_back) bring_back(plan, here);
  order_by_memory(plan, std::move(remembered), here);
}

/// The clock was set back: takes the remembered times with it, once for all.
void RelayMemory::bring_back(const RoutePlan& plan, const Circumstances& here) {
  std::vector<std::string> keys;
  for (const Leg& leg : plan.legs) {
    keys.push_back(relay_key(leg.relay.name));
    keys.push_back(sender_key(leg.relay.name, envelope_.sender.text()));
  }
  world_.store.update(keys, here.now, StateWait::Brief, [&](std::vector<StateValue>& values) {
    for (std::size_t leg = 0; leg < plan.legs.size(); ++leg) {
      RelayState pair = state_of(values[2 * leg + 1]);
      Remembered one{state_of(values[2 * leg]), pair.health};
      if (!is_ahead(one, here.now)) continue;
      settle(one, plan.legs[leg].relay.limits, here);
      values[2 * leg] = value_of(one.relay, here.now);
      if (values[2 * leg + 1].octets.empty()) continue;
      pair.health = one.with_sender;
      values[2 * leg + 1] = value_of(pair, here.now);
    }
  });
}

RelayMemory::Answer RelayMemory::admit(const Leg& leg, Duration waited) {
  const std::vector<std::string> keys{relay_key(leg.relay.name), sender_key(leg.relay.name, envelope_.sender.text())};
  if (self_ == Owner()) self_ = world_.self();
  const Circumstances here = around();
  const auto mine = ledgers_.find(leg.relay.name);
  const bool again = mine != ledgers_.end() && mine->second.tried;
  Admission admission;
  const StateWait wait = leg.relay.limits.any() ? StateWait::Exact : StateWait::Brief;
  world_.store.update(keys, here.now, wait, [&](std::vector<StateValue>& values) {
    Remembered remembered{state_of(values[0]), state_of(values[1]).health};
    admission = relaypipe::admit(remembered, leg, to_span(waited), again, here);
    if (admission.kind == Admission::Kind::Go) values[0] = value_of(remembered.relay, here.now);
  });
  if (admission.kind == Admission::Kind::Go) {
    ledger(leg.relay).taken = true;
    ledger(leg.relay).over = false;
  }
  return {admission.kind, world_.clock.now() + std::max(admission.at - here.now, Span(1)), std::move(admission.why)};
}

RelayMemory::Ledger& RelayMemory::ledger(const Relay& relay) {
  Ledger& found = ledgers_[relay.name];
  found.relay = &relay;
  return found;
}

void RelayMemory::teach(const Relay& relay, Lesson lesson) { ledger(relay).lessons.push_back(std::move(lesson)); }

HealthEvent RelayMemory::event_at(HealthEvent::Kind kind, Instant began) const {
  HealthEvent event;
  event.kind = kind;
  event.began = world_.wall.now() - to_span(world_.clock.now() - began);
  return event;
}

void RelayMemory::ready(const Leg& leg, const Where& where, Instant began, Duration took) {
  HealthEvent event = event_at(HealthEvent::Kind::Ready, began);
  teach(leg.relay, {event, endpoint_text(where.ip, where.port), false});
  event.ready = took;
  teach(leg.relay, {event, "", false});
  // Whoever waits for a probe, for a stranger, or for a place that the others of this race gave back, is to know as
  // soon as we do.
  if (std::any_of(ledgers_.begin(), ledgers_.end(), [](const auto& one) { return one.second.taken; })) flush();
}

void RelayMemory::learn(const Leg& leg, const Judged& judged, Instant began, bool used_up) {
  const auto& [outcome, judgement] = judged;
  ledger(leg.relay).tried |= !std::holds_alternative<PassedOver>(outcome.what);
  ledger(leg.relay).over = used_up;
  HealthEvent event = event_at(kind_of(judged), began);
  event.cause = std::holds_alternative<Unconfirmed>(outcome.what) ? Cause::Network : judgement.cause;
  event.until = judgement.until;
  event.words = describe(outcome);
  const auto* const outrun = std::get_if<Outrun>(&outcome.what);
  event.full_patience = outrun != nullptr && outrun->silent;
  if (event.kind == HealthEvent::Kind::Failed && event.cause == Cause::Auth) {
    event.credentials = world_.credentials(leg.relay);
  }
  if (event.kind == HealthEvent::Kind::Accepted) {
    event.accepted = outcome.transfer;
    ledger(leg.relay).accepted = true;
  }
  if (judgement.scope == Scope::RelaySender && event.kind == HealthEvent::Kind::Failed) {
    // The relay itself, and its address, are as well as they were.
    teach(leg.relay, {event, "", true});
    event = event_at(HealthEvent::Kind::Ended, began);
  }
  const bool of_endpoint = !outcome.where.ip.empty() && !of_whole_relay(event.cause);
  // Another address was faster: that is no failure of this one, unless TCP had not even answered.
  const bool silent =
      outrun != nullptr &&
      (outrun->silent || (outrun->stage <= Stage::Connect && outcome.setup >= leg.relay.settings.address_patience));
  if (of_endpoint && event.kind != HealthEvent::Kind::Ended && (outrun == nullptr || silent)) {
    HealthEvent there = event;
    there.accepted.reset();
    there.full_patience = true;
    teach(leg.relay, {std::move(there), endpoint_text(outcome.where.ip, outcome.where.port), false});
  }
  // Whatever is the matter with one of its addresses, the relay has not failed while another may do.
  const bool failed = event.kind == HealthEvent::Kind::Failed || event.kind == HealthEvent::Kind::Outrun;
  if (failed && of_endpoint && !used_up) return;
  // Where nothing was learned, what was taken is free all the same.
  const bool ended = event.kind == HealthEvent::Kind::Ended;
  if (!ended || (used_up && ledger(leg.relay).taken)) teach(leg.relay, {std::move(event), "", false});
}

bool RelayMemory::release(const Leg& leg) {
  const auto found = ledgers_.find(leg.relay.name);
  if (found == ledgers_.end() || !found->second.taken) return false;
  found->second.over = true;
  teach(leg.relay, {event_at(HealthEvent::Kind::Ended, world_.clock.now()), "", false});
  return true;
}

void RelayMemory::remember_message(MessageState::Kind kind, const std::string& relay, std::string_view words,
                                   std::uint64_t content, Span useful) {
  outgoing_.clear();
  if (envelope_.queue_id.empty()) return;
  WallTime since = world_.wall.now();
  for (const MessageState& before : message_) {
    // Its hold began with the first dot that this relay gave no reply to.
    const bool same = before.kind == kind && before.content == content && before.relay == relay;
    if (same && kind == MessageState::Kind::Unconfirmed) since = std::min(since, before.at);
  }
  for (const Address& recipient : envelope_.recipients) {
    outgoing_.push_back({kind, since, content, envelope_.queue_id, recipient.text(), relay, std::string(words)});
  }
  outgoing_until_ = since + useful;
}

/// Applies the lessons of one relay to its two records, and ends what was taken for it when the attempts are over.
void RelayMemory::apply(const Ledger& ledger, std::vector<StateValue>& values, std::size_t first,
                        std::vector<Change>& changes) {
  const Relay& relay = *ledger.relay;
  const Circumstances here = around();
  Remembered remembered{state_of(values[first]), state_of(values[first + 1]).health};
  const WallTime now = settle(remembered, relay.limits, here);
  const CoolDown& bounds = relay.settings.cool_down;
  RelayState& state = remembered.relay;
  bool of_sender = false;
  for (const Lesson& lesson : ledger.lessons) {
    if (lesson.of_sender) {
      of_sender = true;
      relaypipe::learn(remembered.with_sender, lesson.event, here.self, bounds, now);
    } else if (!lesson.endpoint.empty()) {
      learn_endpoint(state, lesson.endpoint, lesson.event, here.self, bounds, now);
    } else {
      const Cause before = state.health.cause;
      if (!relaypipe::learn(state.health, lesson.event, here.self, bounds, now)) continue;
      const bool down = state.health.since != kNever;
      changes.push_back({down ? Change::Kind::Down : Change::Kind::Up, now, relay.name,
                         down ? state.health.cause : before, state.health.until, lesson.event.words});
    }
  }
  const std::uint64_t recipients = std::max<std::uint64_t>(envelope_.recipients.size(), 1);
  if (ledger.accepted) {
    count(state.allowance, relay.limits, here.self, recipients, now, here.zones);
  } else if (ledger.taken && ledger.over) {
    give_back(state.allowance, relay.limits, here.self, now);
  }
  values[first] = value_of(state, now);
  if (!of_sender) return;
  RelayState pair;
  pair.health = remembered.with_sender;
  values[first + 1] = value_of(pair, now);
}

void RelayMemory::write_messages(std::vector<StateValue>& values, std::size_t first) {
  for (std::size_t i = 0; i < outgoing_.size(); ++i)
    values[first + i] = {pack(outgoing_[i]), outgoing_until_};
}

void RelayMemory::flush() {
  std::vector<std::string> keys;
  std::vector<Ledger*> open;
  StateWait wait = StateWait::Brief;
  for (auto& [name, ledger] : ledgers_) {
    if (ledger.lessons.empty()) continue;
    if (ledger.relay->limits.any()) wait = StateWait::Exact;
    open.push_back(&ledger);
    keys.push_back(relay_key(name));
    keys.push_back(sender_key(name, envelope_.sender.text()));
  }
  const std::size_t relays = keys.size();
  for (const MessageState& message : outgoing_)
    keys.push_back(message_key(message.queue_id, message.recipient));
  if (keys.empty()) return;
  std::vector<Change> changes;
  world_.store.update(keys, world_.wall.now(), wait, [&](std::vector<StateValue>& values) {
    for (std::size_t i = 0; i < open.size(); ++i)
      apply(*open[i], values, 2 * i, changes);
    write_messages(values, relays);
  });
  for (Ledger* const ledger : open)
    *ledger = {ledger->relay, ledger->tried, ledger->taken && !ledger->over, false, false, {}};
  outgoing_.clear();
  for (const Change& change : changes)
    world_.changed(change);
}

}  // namespace relaypipe
