// The part of a delivery's history that asks whether a leg may be tried, and where there is a fleet, its store.

#include <algorithm>

#include "state/delivery_history.h"
#include "state/history_records.h"
#include "state/slice.h"

namespace relaypipe {
namespace {

/// How soon to look what another process was answered by the fleet's store.
constexpr Duration kBusy = std::chrono::milliseconds(5);

}  // namespace

/// What other hosts tell is asked for now and then, also where nothing is delivered: a relay may be suspended.
void DeliveryHistory::look_for_facts(const Relay& relay, const FleetShare& share, WallTime now) {
  if (!relay.limits.fleet || !services_.refill) return;
  if (wants_facts(share, now)) services_.refill(relay, false);
}

/// After a delivery: more of the quotas, or what the others are to be told.
void DeliveryHistory::refill_where_due(const Relay& relay, Allowance& allowance, bool changed, WallTime now) {
  if (!relay.limits.fleet || !services_.refill) return;
  if (!changed && !wants_refill(allowance, relay.limits, now, services_.zones)) return;
  allowance.fleet.started = now;
  services_.refill(relay, true);
}

Admission DeliveryHistory::ask_admission(const Leg& leg, Duration waited, bool asked) {
  std::vector<std::string> keys;
  add_keys(keys, leg.relay.name);
  Context here = around();
  here.asked = asked || !services_.ask_fleet;
  const auto mine = pending_.find(leg.relay.name);
  const bool again = mine != pending_.end() && mine->second.tried;
  Admission admission;
  const StateWait wait = leg.relay.limits.any() ? StateWait::Exact : StateWait::Brief;
  services_.store.update(keys, here.now, wait, [&](std::vector<StateValue>& values) {
    RelayHistory history = history_in(values);
    admission = relaypipe::admit(history, leg, to_span(waited), again, here);
    if (admission.kind == Admission::Kind::Go || admission.asked) values[0] = value_of(history.relay, here.now);
    const bool no = admission.kind == Admission::Kind::No && services_.refill;
    if (no && wants_refill(history.relay.allowance, leg.relay.limits, here.now, services_.zones))
      services_.refill(leg.relay, false);
  });
  return admission;
}

DeliveryHistory::Answer DeliveryHistory::admit(const Leg& leg, Duration waited) {
  know_self();
  const Instant began = services_.clock.now();
  Admission admission = ask_admission(leg, waited, false);
  if (admission.kind == Admission::Kind::Ask) {
    const bool urgent =
        matches_any(leg.relay.limits.reserve.senders, envelope_.sender.text(), leg.relay.settings->recipient_delimiter);
    const SliceNeed need{.recipients = std::max<std::uint64_t>(envelope_.recipients.size(), 1), .urgent = urgent};
    if (services_.ask_fleet(leg.relay, need) == FleetAnswer::Busy && waited < services_.longest_question)
      return {.kind = Admission::Kind::Later, .at = began + kBusy, .why = {}};
    admission = ask_admission(leg, waited, true);
  }
  if (admission.kind == Admission::Kind::Go) {
    PendingUpdates& own = pending(leg.relay);
    own.taken = true;
    own.looks = admission.looks;
    own.looked = services_.clock.now();
    own.over = false;
  }
  Answer answer{.kind = admission.kind, .why = std::move(admission.why)};
  if (admission.at) answer.at = services_.clock.now() + std::max(*admission.at - services_.wall.now(), Span(1));
  return answer;
}

}  // namespace relaypipe
