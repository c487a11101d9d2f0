#include "route/remembered.h"

#include <fmt/format.h>

#include <algorithm>

namespace relaypipe {
namespace {

using std::chrono::milliseconds;

/// So long a stranger keeps its place while one process looks at it; the others give it only `address_patience`. Then
/// it goes to the end: a relay nobody has ever seen ready must not cost every message of a burst its patience. No
/// longer than the default of that, or those that follow the first load of a burst would wait for it as well.
constexpr Span kStrangerPlace = milliseconds(250);

bool is_urgent(const Limits& limits, const Address& sender) {
  const auto& senders = limits.reserve.senders;
  return std::any_of(senders.begin(), senders.end(),
                     [&](const AddressPattern& pattern) { return pattern.matches(sender.text()); });
}

Claim claim_of(const Limits& limits, const Circumstances& around) {
  return {around.self, around.end, std::max<std::uint64_t>(around.envelope.recipients.size(), 1),
          is_urgent(limits, around.envelope.sender)};
}

std::string limit_words(const Exhausted& used_up, const Limits& limits) {
  if (used_up.rule == nullptr) return fmt::format("all {} connections are in use", limits.connections);
  const std::string rule = fmt::format("{} {}", used_up.rule->is_rate ? "rate" : "quota", used_up.rule->text);
  return used_up.reserve ? fmt::format("{} (but for {} % of it, which reserve keeps for other senders)", rule,
                                       limits.reserve.percent)
                         : rule;
}

PassedOver passed_over(const Standing& standing, const Health& health) {
  using Kind = Standing::Kind;
  const auto why = standing.kind == Kind::Suspended ? PassedOver::Why::Suspended
                   : standing.kind == Kind::Probing ? PassedOver::Why::Probing
                                                    : PassedOver::Why::Resting;
  // What it failed with some other time is not why the administrator suspended it.
  if (why == PassedOver::Why::Suspended) return {why, standing.until, Cause::Unknown, ""};
  return {why, standing.until, health.cause, health.words};
}

Standing standing_of(const Health& health, const Relay& relay, const Circumstances& around) {
  // The credentials' source is looked at only where it matters.
  const std::uint64_t credentials = health.cause == Cause::Auth ? around.credentials(relay) : 0;
  return standing(health, around.now, credentials, relay.settings.cool_down, around.alive);
}

/// What a leg is worth right now, before anything is taken for it.
struct Prospect {
  bool own_place = true;
  WallTime due = kNever;  ///< of one that has lost its place
  std::string why;
};

Prospect behind(WallTime due, std::string why) { return {false, due, std::move(why)}; }

Prospect prospect_of(const Remembered& remembered, const Leg& leg, const Circumstances& around) {
  using Kind = Standing::Kind;
  const Health& health = remembered.relay.health;
  const Standing now = standing_of(health, leg.relay, around);
  switch (now.kind) {
    case Kind::Suspended: return behind(now.until, "suspended until " + time_text(now.until));
    case Kind::Resting:
      return behind(now.until, fmt::format("cools down until {}: {}", time_text(now.until), health.words));
    case Kind::Probing: return behind(around.now, "another delivery is trying whether it is well again");
    case Kind::Due: break;
    case Kind::Well:
      if (now.watched_since != kNever && around.now - now.watched_since >= kStrangerPlace) {
        return behind(around.now, "another delivery is waiting for it");
      }
      break;
  }
  const Standing with_sender = standing_of(remembered.with_sender, leg.relay, around);
  if (with_sender.kind == Kind::Resting) {
    return behind(with_sender.until, fmt::format("did not take this sender: {}", remembered.with_sender.words));
  }
  const Limits& limits = leg.relay.limits;
  const auto used_up =
      exhausted(remembered.relay.allowance, limits, claim_of(limits, around), around.now, around.zones);
  const Span patience = to_span(leg.relay.settings.max_wait);
  if (used_up && (used_up->free_at == kNever || used_up->free_at - around.now > patience)) {
    const WallTime free = used_up->free_at == kNever ? kFarFuture : used_up->free_at;
    return behind(free, fmt::format("{} used up until {}", limit_words(*used_up, limits), time_text(free)));
  }
  return {};
}

bool much_slower(const std::vector<Remembered>& remembered, const RoutePlan& plan, std::size_t leg,
                 const Circumstances& around) {
  const std::uint64_t factor = plan.legs[leg].relay.settings.slow_factor;
  if (factor == 0 || plan.legs[leg].tier == 0) return false;
  std::vector<const Health*> others;
  for (std::size_t i = 0; i < plan.legs.size(); ++i) {
    if (i != leg && plan.legs[i].tier == plan.legs[leg].tier) others.push_back(&remembered[i].relay.health);
  }
  return much_slower(remembered[leg].relay.health, others, static_cast<double>(factor), around.now);
}

void advise(Leg& leg, const Remembered& remembered, const Circumstances& around) {
  const Health& health = remembered.relay.health;
  const Standing now = standing_of(health, leg.relay, around);
  const bool watched = now.watched_since != kNever;
  leg.ask = leg.turn == Leg::Turn::Last || now.kind != Standing::Kind::Well || (now.stranger && !watched) ||
            leg.relay.limits.any();
  for (const EndpointState& endpoint : remembered.relay.endpoints) {
    if (standing_of(endpoint.health, leg.relay, around).kind == Standing::Kind::Resting) {
      leg.resting.push_back(endpoint.address);
    }
  }
}

/// Puts the slow ones behind their tier's others. The legs of one tier stand together.
void put_behind_tier(std::vector<Leg>& legs, const std::vector<std::string>& slow) {
  const auto is_slow = [&](const Leg& leg) {
    return std::find(slow.begin(), slow.end(), leg.relay.name) != slow.end();
  };
  for (auto tier = legs.begin(); tier != legs.end();) {
    const auto end = std::find_if(tier, legs.end(), [&](const Leg& leg) { return leg.tier != tier->tier; });
    const auto behind = std::stable_partition(tier, end, [&](const Leg& leg) { return !is_slow(leg); });
    std::for_each(behind, end, [](Leg& leg) { leg.reason += "; much slower than its tier's others"; });
    tier = end;
  }
}

}  // namespace

WallTime settle(Remembered& remembered, const Limits& limits, const Circumstances& around) {
  WallTime now = settle(remembered.relay.health, around.now);
  now = std::max(now, settle(remembered.with_sender, around.now));
  now = std::max(now, settle(remembered.relay.allowance, limits, now, around.zones));
  drop_dead(remembered.relay.allowance, now, around.alive);
  for (EndpointState& endpoint : remembered.relay.endpoints)
    settle(endpoint.health, around.now);
  return now;
}

bool is_ahead(const Remembered& remembered, WallTime now) {
  const RelayState& relay = remembered.relay;
  const auto ahead = [&](WallTime stamp) { return stamp > now + kClockSlack; };
  return ahead(relay.health.stamp) || ahead(relay.allowance.stamp) || ahead(remembered.with_sender.stamp) ||
         std::any_of(relay.endpoints.begin(), relay.endpoints.end(),
                     [&](const EndpointState& endpoint) { return ahead(endpoint.health.stamp); });
}

void order_by_memory(RoutePlan& plan, std::vector<Remembered> remembered, const Circumstances& around) {
  std::vector<std::string> slow;
  for (std::size_t i = 0; i < plan.legs.size(); ++i) {
    Leg& leg = plan.legs[i];
    settle(remembered[i], leg.relay.limits, around);
    const Prospect prospect = prospect_of(remembered[i], leg, around);
    leg.turn = prospect.own_place ? Leg::Turn::Own : Leg::Turn::Last;
    leg.due = prospect.due;
    if (!prospect.why.empty()) leg.reason += "; " + prospect.why;
    advise(leg, remembered[i], around);
    if (prospect.own_place && much_slower(remembered, plan, i, around)) slow.push_back(leg.relay.name);
  }
  put_behind_tier(plan.legs, slow);
  const auto last = std::stable_partition(plan.legs.begin(), plan.legs.end(),
                                          [](const Leg& leg) { return leg.turn == Leg::Turn::Own; });
  std::stable_sort(last, plan.legs.end(), [](const Leg& a, const Leg& b) { return a.due < b.due; });
}

Admission admit(Remembered& remembered, const Leg& leg, Span waited, bool again, const Circumstances& around) {
  using Kind = Standing::Kind;
  Circumstances here = around;
  here.now = settle(remembered, leg.relay.limits, around);
  Health& health = remembered.relay.health;
  const Standing now = standing_of(health, leg.relay, here);
  // With nothing else left it is better to look than to keep the mail; but one process at a time.
  const bool may_probe = now.kind == Kind::Due || (leg.turn == Leg::Turn::Last && now.early);
  const bool may_try = now.kind == Kind::Well || may_probe || (again && now.kind != Kind::Suspended);
  if (!may_try) return {Admission::Kind::No, kNever, passed_over(now, health)};
  const Standing with_sender = standing_of(remembered.with_sender, leg.relay, here);
  if (with_sender.kind == Kind::Resting && !again) {
    return {
        Admission::Kind::No,
        kNever,
        {PassedOver::Why::SenderNotTaken, with_sender.until, Cause::SenderNotAllowed, remembered.with_sender.words}};
  }
  const Limits& limits = leg.relay.limits;
  const Claim claim = claim_of(limits, here);
  if (const auto used_up = exhausted(remembered.relay.allowance, limits, claim, here.now, here.zones)) {
    const Span left = std::min(to_span(leg.relay.settings.max_wait) - waited, here.end - here.now);
    const bool soon = used_up->free_at != kNever && used_up->free_at - here.now <= left;
    if (soon) return {Admission::Kind::Later, used_up->free_at, {}};
    return {Admission::Kind::No,
            kNever,
            {PassedOver::Why::Exhausted, used_up->free_at, used_up->rule != nullptr ? Cause::Quota : Cause::Rate,
             limit_words(*used_up, limits)}};
  }
  if (may_probe || now.stranger) {
    if (now.watched_since == kNever) take_probe(health, here.self, here.end, here.now);
  }
  if (limits.any()) take(remembered.relay.allowance, limits, claim, here.now);
  return {};
}

}  // namespace relaypipe
