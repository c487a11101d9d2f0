#include "state/relay_memory.h"

#include <algorithm>

#include "state/attempt_health.h"

namespace relaypipe {
namespace {

/// Progress sooner after the last one is not written down: it would change nothing for those that wait.
constexpr Duration kProgressKnown = std::chrono::milliseconds(100);

RelayState state_of(const StateValue& value) { return unpack(value.octets).value_or(RelayState()); }

Health health_in(std::string_view octets) { return unpack(octets).value_or(RelayState()).health; }

/// The records of a relay, of it with the sender, and of it with each of the recipients' domains.
Remembered remembered_in(std::span<const StateValue> values) {
  Remembered remembered{state_of(values[0]), health_in(values[1].octets)};
  for (const StateValue& value : values.subspan(2))
    remembered.with_domains.push_back(health_in(value.octets));
  return remembered;
}

StateValue value_of(const RelayState& state, WallTime now) { return {pack(state), useful_until(state, now)}; }

/// Puts them back; a pair of which nothing is known has no record.
void keep(const Remembered& remembered, std::span<StateValue> values, WallTime now) {
  values[0] = value_of(remembered.relay, now);
  for (std::size_t i = 1; i < values.size(); ++i) {
    RelayState pair;
    pair.health = i == 1 ? remembered.with_sender : remembered.with_domains[i - 2];
    if (pair.health.stamp != kNever) values[i] = value_of(pair, now);
  }
}

/// Whether an acceptance says something new of it.
bool has_failed(const Health& pair) { return pair.since != kNever || !pair.doubts.empty(); }

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
    : world_(std::move(world)), envelope_(envelope), domains_(domains_of(envelope)), end_(end) {}

Circumstances RelayMemory::around() {
  const WallTime now = world_.wall.now();
  return {now,
          now + to_span(std::max(end_ - world_.clock.now(), Duration(0))),
          envelope_,
          self_,
          world_.alive,
          world_.zones,
          world_.credentials,
          world_.settings};
}

/// The keys of everything that is remembered of a relay and concerns this message; values_of() has their order.
void RelayMemory::add_keys(std::vector<std::string>& keys, const std::string& relay) const {
  keys.push_back(relay_key(relay));
  keys.push_back(sender_key(relay, envelope_.sender.text()));
  for (const std::string& domain : domains_)
    keys.push_back(domain_key(relay, domain));
}

void RelayMemory::open(RoutePlan& plan) {
  std::vector<std::string> keys;
  for (const Leg& leg : plan.legs)
    add_keys(keys, leg.relay.name);
  if (!envelope_.queue_id.empty()) {
    for (const Address& recipient : envelope_.recipients)
      keys.push_back(message_key(envelope_.queue_id, recipient.text()));
  }
  const Circumstances here = around();
  const std::vector<std::string> records = world_.store.read(keys, here.now);
  std::vector<Remembered> remembered;
  std::size_t next = 0;
  for (std::size_t leg = 0; leg < plan.legs.size(); ++leg) {
    remembered.push_back({unpack(records[next++]).value_or(RelayState()), health_in(records[next++])});
    for (std::size_t domain = 0; domain < domains_.size(); ++domain)
      remembered.back().with_domains.push_back(health_in(records[next++]));
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
  for (const Leg& leg : plan.legs)
    add_keys(keys, leg.relay.name);
  world_.store.update(keys, here.now, StateWait::Brief, [&](std::vector<StateValue>& values) {
    const std::size_t records = values.size() / plan.legs.size();
    for (std::size_t leg = 0; leg < plan.legs.size(); ++leg) {
      const std::span<StateValue> own = std::span(values).subspan(leg * records, records);
      Remembered one = remembered_in(own);
      if (!is_ahead(one, here.now)) continue;
      settle(one, plan.legs[leg].relay.limits, here);
      keep(one, own, here.now);
    }
  });
}

RelayMemory::Answer RelayMemory::admit(const Leg& leg, Duration waited) {
  std::vector<std::string> keys;
  add_keys(keys, leg.relay.name);
  if (self_ == Owner()) self_ = world_.self();
  const Circumstances here = around();
  const auto mine = ledgers_.find(leg.relay.name);
  const bool again = mine != ledgers_.end() && mine->second.tried;
  Admission admission;
  const StateWait wait = leg.relay.limits.any() ? StateWait::Exact : StateWait::Brief;
  world_.store.update(keys, here.now, wait, [&](std::vector<StateValue>& values) {
    Remembered remembered = remembered_in(values);
    admission = relaypipe::admit(remembered, leg, to_span(waited), again, here);
    if (admission.kind == Admission::Kind::Go) values[0] = value_of(remembered.relay, here.now);
  });
  if (admission.kind == Admission::Kind::Go) {
    Ledger& own = ledger(leg.relay);
    own.taken = true;
    own.looks = admission.looks;
    own.looked = world_.clock.now();
    own.over = false;
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

void RelayMemory::progressed(const Leg& leg) {
  const auto found = ledgers_.find(leg.relay.name);
  if (found == ledgers_.end() || !found->second.looks || found->second.over) return;
  if (world_.clock.now() - found->second.looked < kProgressKnown) return;
  found->second.looked = world_.clock.now();
  const std::vector<std::string> keys{relay_key(leg.relay.name)};
  const WallTime now = world_.wall.now();
  world_.store.update(keys, now, StateWait::Brief, [&](std::vector<StateValue>& values) {
    RelayState state = state_of(values[0]);
    keep_looking(state.health, self_, now + to_span(leg.relay.settings.patience));
    values[0] = value_of(state, now);
  });
}

void RelayMemory::ready(const Leg& leg, const Where& where, Instant began, Duration took, WallTime certificate_end) {
  HealthEvent event = event_at(HealthEvent::Kind::Ready, began);
  event.patience = to_span(leg.relay.settings.patience);
  teach(leg.relay, {event, endpoint_text(where.ip, where.port), Lesson::Of::Endpoint, ""});
  event.ready = took;
  event.certificate_end = certificate_end;
  teach(leg.relay, {event, "", Lesson::Of::Relay, ""});
  // Whoever waits for a probe, for a stranger, or for a place that the others of this race gave back, is to know as
  // soon as we do.
  if (std::any_of(ledgers_.begin(), ledgers_.end(), [](const auto& one) { return one.second.taken; })) flush();
}

void RelayMemory::add_stamps(HealthEvent& event, const Relay& relay) const {
  const bool failed = event.kind == HealthEvent::Kind::Failed;
  if (failed && event.cause == Cause::Auth) event.stamps.credentials = world_.credentials(relay);
  if (failed || event.kind == HealthEvent::Kind::Outrun) event.stamps.settings = world_.settings(relay);
}

/// What a failure says of the relay with this sender, or with the recipients' domains. True when it says no more.
bool RelayMemory::teach_pairs(const Relay& relay, const Judged& judged, const HealthEvent& event) {
  if (judged.judgement.scope == Scope::RelayRecipientDomain) {
    for (const std::string& domain : refused_domains(judged.outcome, envelope_)) {
      teach(relay, {event, "", Lesson::Of::Domain, domain});
      teach(relay, {of_domain(event, domain), "", Lesson::Of::Relay, ""});
    }
    return true;
  }
  const bool of_sender = judged.judgement.scope == Scope::RelaySender;
  if (!of_sender && !event.doubtful) return false;
  HealthEvent alone = event;
  alone.sender = 0;
  teach(relay, {std::move(alone), "", Lesson::Of::Sender, ""});
  return of_sender;
}

void RelayMemory::learn(const Leg& leg, const Judged& judged, Instant began, bool used_up, bool broken_off) {
  const auto& [outcome, judgement] = judged;
  ledger(leg.relay).tried |= !std::holds_alternative<PassedOver>(outcome.what);
  ledger(leg.relay).over = used_up;
  const WallTime started = world_.wall.now() - to_span(world_.clock.now() - began);
  HealthEvent event = health_event(judged, leg.relay, envelope_, started);
  if (broken_off && event.kind != HealthEvent::Kind::Accepted) event = event_at(HealthEvent::Kind::Ended, began);
  add_stamps(event, leg.relay);
  ledger(leg.relay).accepted |= event.kind == HealthEvent::Kind::Accepted;
  if (event.kind == HealthEvent::Kind::Failed && teach_pairs(leg.relay, judged, event)) {
    // The relay itself, and its address, are as well as they were.
    event = event_at(HealthEvent::Kind::Ended, began);
  }
  const auto* const outrun = std::get_if<Outrun>(&outcome.what);
  const bool of_endpoint = !outcome.where.ip.empty() && !of_whole_relay(event.cause);
  // Another address was faster: that is no failure of this one, unless TCP had not even answered.
  const bool silent =
      outrun != nullptr &&
      (outrun->silent || (outrun->stage <= Stage::Connect && outcome.setup >= leg.relay.settings.address_patience));
  if (of_endpoint && event.kind != HealthEvent::Kind::Ended && (outrun == nullptr || silent)) {
    HealthEvent there = event;
    there.accepted.reset();
    there.full_patience = true;
    teach(leg.relay, {std::move(there), endpoint_text(outcome.where.ip, outcome.where.port), Lesson::Of::Endpoint, ""});
  }
  // Whatever is the matter with one of its addresses, the relay has not failed while another may do.
  const bool failed = event.kind == HealthEvent::Kind::Failed || event.kind == HealthEvent::Kind::Outrun;
  if (failed && of_endpoint && !used_up) {
    if (!event.pipelined) return;
    event = event_at(HealthEvent::Kind::Ended, began);
    event.pipelined = true;
    return teach(leg.relay, {std::move(event), "", Lesson::Of::Relay, ""});
  }
  // Where nothing was learned, what was taken is free all the same.
  const bool ended = event.kind == HealthEvent::Kind::Ended;
  if (!ended || (used_up && ledger(leg.relay).taken)) teach(leg.relay, {std::move(event), "", Lesson::Of::Relay, ""});
}

bool RelayMemory::release(const Leg& leg) {
  const auto found = ledgers_.find(leg.relay.name);
  if (found == ledgers_.end() || !found->second.taken) return false;
  found->second.over = true;
  teach(leg.relay, {event_at(HealthEvent::Kind::Ended, world_.clock.now()), "", Lesson::Of::Relay, ""});
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

/// Applies the lessons of one relay to its records, and ends what was taken for it when the attempts are over.
void RelayMemory::apply(const Ledger& ledger, std::span<StateValue> values, std::vector<Change>& changes) {
  const Relay& relay = *ledger.relay;
  const Circumstances here = around();
  Remembered remembered = remembered_in(values);
  const WallTime now = settle(remembered, relay.limits, here);
  for (const Lesson& lesson : ledger.lessons)
    apply(lesson, relay, remembered, now, changes);
  if (ledger.accepted) {
    HealthEvent accepted;
    accepted.kind = HealthEvent::Kind::Accepted;
    accepted.began = now;
    const auto tell = [&](Health& pair) {
      if (has_failed(pair)) relaypipe::learn(pair, accepted, self_, relay.settings.cool_down, now);
    };
    tell(remembered.with_sender);
    std::for_each(remembered.with_domains.begin(), remembered.with_domains.end(), tell);
  }
  const std::uint64_t recipients = std::max<std::uint64_t>(envelope_.recipients.size(), 1);
  Allowance& allowance = remembered.relay.allowance;
  if (ledger.accepted) {
    count(allowance, relay.limits, here.self, recipients, now, here.zones);
  } else if (ledger.taken && ledger.over) {
    give_back(allowance, relay.limits, here.self, now);
  }
  keep(remembered, values, now);
}

void RelayMemory::apply(const Lesson& lesson, const Relay& relay, Remembered& remembered, WallTime now,
                        std::vector<Change>& changes) {
  const CoolDown& bounds = relay.settings.cool_down;
  Health& health = remembered.relay.health;
  switch (lesson.of) {
    case Lesson::Of::Sender: relaypipe::learn(remembered.with_sender, lesson.event, self_, bounds, now); return;
    case Lesson::Of::Endpoint:
      learn_endpoint(remembered.relay, lesson.endpoint, lesson.event, self_, bounds, now);
      return;
    case Lesson::Of::Domain: {
      const auto known = std::find(domains_.begin(), domains_.end(), lesson.domain);
      if (known == domains_.end()) return;
      const auto index = static_cast<std::size_t>(known - domains_.begin());
      relaypipe::learn(remembered.with_domains[index], lesson.event, self_, bounds, now);
      return;
    }
    case Lesson::Of::Relay: break;
  }
  const Cause before = health.cause;
  if (!relaypipe::learn(health, lesson.event, self_, bounds, now)) return;
  const bool down = health.since != kNever;
  changes.push_back({down ? Change::Kind::Down : Change::Kind::Up, now, relay.name, down ? health.cause : before,
                     health.until, lesson.event.words});
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
    add_keys(keys, name);
  }
  const std::size_t relays = keys.size();
  for (const MessageState& message : outgoing_)
    keys.push_back(message_key(message.queue_id, message.recipient));
  if (keys.empty()) return;
  std::vector<Change> changes;
  world_.store.update(keys, world_.wall.now(), wait, [&](std::vector<StateValue>& values) {
    const std::size_t records = 2 + domains_.size();
    for (std::size_t i = 0; i < open.size(); ++i)
      apply(*open[i], std::span(values).subspan(i * records, records), changes);
    write_messages(values, relays);
  });
  for (Ledger* const ledger : open) {
    ledger->taken = ledger->taken && !ledger->over;
    ledger->looks = ledger->looks && !ledger->over;
    ledger->over = ledger->accepted = false;
    ledger->lessons.clear();
  }
  outgoing_.clear();
  for (const Change& change : changes)
    world_.changed(change);
}

}  // namespace relaypipe
