// What is remembered of a relay decides here whether it is tried for this message, and in which place. Everything is a
// function of the records, the leg and the time; what another process does meanwhile is decided again in admit().
//
// What always holds:
// - A plan never gets shorter: a leg that may not be used now goes to the end, and only admit() refuses it, at the
//   moment it would be tried. So a relay that is due by then is used, and a message always has an answer.
// - One message, one sender or one domain never takes a relay from the others: what may lie in them is kept with the
//   pair (relay and sender, relay and domain), and counts against the relay only when enough others met the same
//   (health_event.h).
// - What a reply, a rule or the administrator gave a time keeps it. Only connection trouble is looked at early, and
//   only where no other relay is left.
// - Whatever was taken (a place within the limits, the right to look) is taken in the same change of the store in which
//   it was found free.
//
// What was tried and left:
// - Leaving a relay out of the plan while it cools down: the last relay of a plan could not be probed then, and the
//   reason was in no log line.
// - One probing process with no end: when it hung, all mail waited for its time limits. A look ends with its patience.
// - Sharing what is known by a daemon: one more thing that may be down, for what two reads of a file tell.

#include "state/relay_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "base/printable.h"
#include "state/idle_places.h"

namespace relaypipe {
namespace {

/// How often a delivery asks what others have found.
constexpr Span kLookAgain = std::chrono::milliseconds(100);

Claim claim_of(const Relay& relay, const Context& around) {
  const bool urgent =
      matches_any(relay.limits.reserve.senders, around.envelope.sender.text(), relay.settings->recipient_delimiter);
  return {.owner = around.self,
          .until = around.end,
          .recipients = std::max<std::uint64_t>(around.envelope.recipients.size(), 1),
          .urgent = urgent,
          .asked = around.asked};
}

std::string limit_words(const Exhausted& used_up, const Limits& limits) {
  if (used_up.rule == nullptr) return fmt::format("all {} connections are in use", limits.connections);
  const std::string rule = fmt::format("{} {}{}", used_up.rule->is_rate ? "rate" : "quota", used_up.rule->text,
                                       used_up.fleet ? " of the fleet" : "");
  return used_up.reserve ? fmt::format("{} (but for {} % of it, which reserve keeps for other senders)", rule,
                                       limits.reserve.percent)
                         : rule;
}

Skipped skipped(const Standing& standing, const Health& health) {
  using Kind = Standing::Kind;
  const auto why = standing.kind == Kind::Suspended                                   ? Skipped::Why::Suspended
                   : standing.kind == Kind::Probing || standing.kind == Kind::Hanging ? Skipped::Why::Probing
                                                                                      : Skipped::Why::CoolingDown;
  // What it failed with some other time is not why the administrator suspended it.
  if (why == Skipped::Why::Suspended || !health.outage) return {.why = why, .until = standing.until, .words = {}};
  return {.why = why, .until = standing.until, .cause = health.outage->cause, .words = health.outage->words};
}

Skipped skipped(const Exhausted& used_up, const Limits& limits) {
  return {.why = Skipped::Why::Exhausted,
          .until = used_up.free_at.value_or(kNever),
          .cause = used_up.rule != nullptr ? Cause::Quota : Cause::Rate,
          .words = limit_words(used_up, limits)};
}

Standing standing_of(const Health& health, const Relay& relay, const Context& around) {
  // Sources are looked at only where it matters.
  Stamps stamps;
  if (health.down()) stamps.settings = around.settings(relay);
  if (health.cause() == Cause::Auth) stamps.credentials = around.credentials(relay);
  return standing(health, around.now, stamps, relay.settings->cool_down, around.alive);
}

void look_at(Health& health, const Relay& relay, const Context& around) {
  const WallTime until = around.now + to_span(relay.settings->patience);
  take_look(health.looks, {.owner = around.self, .since = around.now, .until = until}, around.alive);
  health.stamp = std::max(health.stamp, around.now);
}

/// Whether it is worth while to wait for what another process finds.
bool waits(const Standing& now, const Leg& leg, Span waited, const Context& around) {
  if (now.kind != Standing::Kind::Probing) return false;
  if (now.unknown) return true;
  const bool nothing_else = leg.alone || leg.turn == Leg::Turn::Last;
  return nothing_else && waited + kLookAgain <= around.max_wait;
}

/// What keeps the relay from this message alone: its sender, or a recipient's domain, that the relay lately refused.
struct CoolingPair {
  bool of_sender;
  const Outage& outage;
};

std::optional<CoolingPair> cooling_pair(const RelayHistory& history, const Leg& leg, const Context& around) {
  const std::optional<WallTime>& reset = history.relay.health.reset;
  const auto cools_down = [&](const Health& pair) {
    if (!pair.outage || (reset && pair.outage->failed <= *reset)) return false;
    const Standing now = standing_of(pair, leg.relay, around);
    return now.kind == Standing::Kind::CoolingDown && !(leg.turn == Leg::Turn::Last && now.early);
  };
  if (cools_down(history.with_sender)) return CoolingPair{.of_sender = true, .outage = *history.with_sender.outage};
  const auto& domains = history.with_domains;
  const auto found = std::find_if(domains.begin(), domains.end(), cools_down);
  if (found == domains.end()) return std::nullopt;
  return CoolingPair{.of_sender = false, .outage = *found->outage};
}

std::string_view pair_words(const CoolingPair& pair) {
  if (!pair.of_sender) return "did not relay to this domain";
  return pair.outage.cause == Cause::SenderNotAllowed ? "did not take this sender" : "cools down for this sender";
}

Skipped::Why pair_reason(const CoolingPair& pair) {
  if (!pair.of_sender) return Skipped::Why::DomainNotTaken;
  return pair.outage.cause == Cause::SenderNotAllowed ? Skipped::Why::SenderNotTaken : Skipped::Why::CoolingDown;
}

/// Whether a delivery would wait for it, or has to ask for it.
bool is_soon_free(const Exhausted& used_up, const Context& around) {
  return used_up.ask || (used_up.free_at && *used_up.free_at - around.now <= around.max_wait);
}

/// Why a leg has lost its place.
struct LostPlace {
  WallTime due;  ///< when it may have it again
  std::string why;
};

/// Whether a leg has lost its place, before anything is taken for it.
std::optional<LostPlace> lost_place(const RelayHistory& history, const Leg& leg, const Context& around) {
  const auto behind = [](WallTime due, std::string why) { return LostPlace{.due = due, .why = std::move(why)}; };
  using Kind = Standing::Kind;
  const std::optional<Outage>& outage = history.relay.health.outage;
  const Standing now = standing_of(history.relay.health, leg.relay, around);
  switch (now.kind) {
    case Kind::Suspended: return behind(now.until, "suspended until " + time_text(now.until));
    case Kind::CoolingDown:
      return behind(now.until, fmt::format("cools down until {}: {}", time_text(now.until), outage->words));
    case Kind::Probing:
      if (now.unknown) break;
      return behind(around.now, "another delivery is trying whether it is well again");
    case Kind::Hanging: return behind(now.until, "other deliveries wait for it in vain");
    case Kind::Due:
    case Kind::Up: break;
  }
  if (const auto pair = cooling_pair(history, leg, around)) {
    return behind(pair->outage.until, fmt::format("{}: {}", pair_words(*pair), pair->outage.words));
  }
  const Limits& limits = leg.relay.limits;
  const auto used_up =
      exhausted(history.relay.allowance, limits, claim_of(leg.relay, around), around.now, around.zones);
  if (used_up && !is_soon_free(*used_up, around)) {
    const WallTime free = used_up->free_at.value_or(kFarFuture);
    return behind(free, fmt::format("{} used up until {}", limit_words(*used_up, limits), time_text(free)));
  }
  return std::nullopt;
}

bool much_slower(const std::vector<RelayHistory>& history, const RoutePlan& plan, std::size_t leg,
                 const Context& around) {
  const std::uint64_t factor = plan.legs[leg].relay.settings->slow_factor;
  if (factor == 0 || plan.legs[leg].tier == 0) return false;
  std::vector<const Health*> others;
  for (std::size_t i = 0; i < plan.legs.size(); ++i) {
    if (i != leg && plan.legs[i].tier == plan.legs[leg].tier) others.push_back(&history[i].relay.health);
  }
  return much_slower(history[leg].relay.health, others, static_cast<double>(factor), around.now);
}

void advise(Leg& leg, const RelayHistory& history, const Context& around) {
  const Health& health = history.relay.health;
  const Standing now = standing_of(health, leg.relay, around);
  leg.ask = leg.turn == Leg::Turn::Last || now.kind != Standing::Kind::Up || now.unknown || leg.relay.limits.any();
  leg.one_by_one = health.one_by_one_until > around.now;
  if (leg.one_by_one) leg.reason += "; commands go one at a time, since together they were lost";
  for (const EndpointState& endpoint : history.relay.endpoints) {
    if (standing_of(endpoint.health, leg.relay, around).kind == Standing::Kind::CoolingDown) {
      leg.cooling_down.push_back(endpoint.address);
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

/// What to do without a place within the limits: ask the fleet for one, wait for one, or go on without the relay.
Admission without_place(Allowance& allowance, const Exhausted& used_up, const Leg& leg, Span waited,
                        const Context& here) {
  if (used_up.ask) return {.kind = Admission::Kind::Ask};
  const Span left = std::min(here.max_wait - waited, here.end - here.now);
  const bool soon = used_up.free_at && *used_up.free_at - here.now <= left;
  if (!soon) return {.kind = Admission::Kind::No, .why = skipped(used_up, leg.relay.limits)};
  const IdlePlace place = used_up.rule == nullptr ? want_idle_place(allowance, here.self) : IdlePlace::None;
  return {.kind = Admission::Kind::Later,
          .asked = place == IdlePlace::Asked,
          .at = place == IdlePlace::None ? *used_up.free_at : here.now + kLookAgain};
}

}  // namespace

std::vector<std::string> domains_of(const Envelope& envelope) {
  std::vector<std::string> domains;
  for (const Address& recipient : envelope.recipients) {
    std::string domain = lower(recipient.domain());
    if (std::find(domains.begin(), domains.end(), domain) == domains.end()) domains.push_back(std::move(domain));
  }
  return domains;
}

WallTime settle(RelayHistory& history, const Limits& limits, const Context& around) {
  WallTime now = settle(history.relay.health, around.now);
  now = std::max(now, settle(history.with_sender, around.now));
  for (Health& pair : history.with_domains)
    now = std::max(now, settle(pair, around.now));
  now = std::max(now, settle(history.relay.allowance, limits, now, around.zones));
  drop_dead(history.relay.allowance, now, around.alive);
  for (EndpointState& endpoint : history.relay.endpoints)
    settle(endpoint.health, around.now);
  return now;
}

bool is_ahead(const RelayHistory& history, WallTime now) {
  const RelayState& relay = history.relay;
  const auto ahead = [&](WallTime stamp) { return stamp > now + kClockSlack; };
  const auto& domains = history.with_domains;
  return ahead(relay.health.stamp) || ahead(relay.allowance.stamp) || ahead(history.with_sender.stamp) ||
         std::any_of(domains.begin(), domains.end(), [&](const Health& pair) { return ahead(pair.stamp); }) ||
         std::any_of(relay.endpoints.begin(), relay.endpoints.end(),
                     [&](const EndpointState& endpoint) { return ahead(endpoint.health.stamp); });
}

void order_by_history(RoutePlan& plan, std::vector<RelayHistory> history, const Context& around) {
  assert(history.size() == plan.legs.size());
  std::vector<std::string> slow;
  for (std::size_t i = 0; i < plan.legs.size(); ++i) {
    Leg& leg = plan.legs[i];
    settle(history[i], leg.relay.limits, around);
    const std::optional<LostPlace> lost = lost_place(history[i], leg, around);
    leg.turn = lost ? Leg::Turn::Last : Leg::Turn::Own;
    leg.due = lost ? std::optional(lost->due) : std::nullopt;
    if (lost) leg.reason += "; " + lost->why;
    advise(leg, history[i], around);
    if (!lost && much_slower(history, plan, i, around)) slow.push_back(leg.relay.name);
  }
  put_behind_tier(plan.legs, slow);
  const auto own =
      std::count_if(plan.legs.begin(), plan.legs.end(), [](const Leg& leg) { return leg.turn == Leg::Turn::Own; });
  for (Leg& leg : plan.legs)
    leg.alone = leg.turn == Leg::Turn::Own && own == 1;
  const auto last = std::stable_partition(plan.legs.begin(), plan.legs.end(),
                                          [](const Leg& leg) { return leg.turn == Leg::Turn::Own; });
  std::stable_sort(last, plan.legs.end(), [](const Leg& a, const Leg& b) { return a.due < b.due; });
}

Admission admit(RelayHistory& history, const Leg& leg, Span waited, bool again, const Context& around) {
  using Kind = Standing::Kind;
  Context here = around;
  here.now = settle(history, leg.relay.limits, around);
  Health& health = history.relay.health;
  end_look(health.looks, here.self);
  const Standing now = standing_of(health, leg.relay, here);
  // With nothing else left it is better to look than to keep the mail; but one process at a time.
  const bool may_probe = now.kind == Kind::Due || (leg.turn == Leg::Turn::Last && now.early);
  const bool may_try = now.kind == Kind::Up || may_probe || (again && now.kind != Kind::Suspended);
  if (!may_try && waits(now, leg, waited, here)) return {.kind = Admission::Kind::Later, .at = here.now + kLookAgain};
  if (!may_try) return {.kind = Admission::Kind::No, .why = skipped(now, health)};
  if (const auto pair = again ? std::nullopt : cooling_pair(history, leg, here)) {
    const auto& [of_sender, outage] = *pair;
    return {.kind = Admission::Kind::No,
            .why = {.why = pair_reason(*pair), .until = outage.until, .cause = outage.cause, .words = outage.words}};
  }
  const Limits& limits = leg.relay.limits;
  const Claim claim = claim_of(leg.relay, here);
  Allowance& allowance = history.relay.allowance;
  if (const auto used_up = exhausted(allowance, limits, claim, here.now, here.zones))
    return without_place(allowance, *used_up, leg, waited, here);
  const bool looks = may_probe || now.unknown;
  if (looks) look_at(health, leg.relay, here);
  if (limits.any()) take(allowance, limits, claim, here.now);
  return {.kind = Admission::Kind::Go, .looks = looks};
}

}  // namespace relaypipe
