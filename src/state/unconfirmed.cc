#include "state/unconfirmed.h"

#include <algorithm>
#include <cassert>

namespace relaypipe {

const MessageState* accepted_before(std::span<const MessageState> known, const Envelope& envelope,
                                    std::uint64_t content) {
  const auto has_it = [&](const MessageState& state) {
    return state.kind == MessageState::Kind::Accepted && state.content == content;
  };
  if (known.empty() || known.size() != envelope.recipients.size()) return nullptr;
  return std::all_of(known.begin(), known.end(), has_it) ? &known.front() : nullptr;
}

const MessageState* narrow_to_unconfirmed(RoutePlan& plan, std::span<const MessageState> known, std::uint64_t content,
                                          OnUnconfirmed policy, Duration hold, WallTime now) {
  if (policy == OnUnconfirmed::Bounce) return nullptr;
  for (const MessageState& state : known) {
    if (state.kind != MessageState::Kind::Unconfirmed || state.content != content) continue;
    const auto is_it = [&](const Leg& leg) { return leg.relay.name == state.relay; };
    if (std::none_of(plan.legs.begin(), plan.legs.end(), is_it)) continue;
    if (policy == OnUnconfirmed::Any || now >= state.at + to_span(hold)) {
      // One that loses every reply to this message would otherwise have it again and again, being the first.
      std::stable_partition(plan.legs.begin(), plan.legs.end(), [&](const Leg& leg) { return !is_it(leg); });
      return &state;
    }
    for (const Leg& leg : plan.legs) {
      if (!is_it(leg))
        plan.skipped.push_back({leg.relay.name, "the message may have been delivered by " + state.relay});
    }
    plan.narrowed = !std::all_of(plan.legs.begin(), plan.legs.end(), is_it);
    std::erase_if(plan.legs, [&](const Leg& leg) { return !is_it(leg); });
    assert(!plan.legs.empty());
    return &state;
  }
  return nullptr;
}

}  // namespace relaypipe
