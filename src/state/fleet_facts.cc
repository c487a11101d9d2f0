#include "state/fleet_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/printable.h"
#include "state/health_event.h"

namespace relaypipe {
namespace {

constexpr std::array<std::pair<FleetFact::Kind, std::string_view>, 3> kNames{{
    {FleetFact::Kind::Suspension, "suspension"},
    {FleetFact::Kind::Outage, "outage"},
    {FleetFact::Kind::Hint, "hint"},
}};
constexpr std::size_t kLongestWords = 150;

/// What is wrong with an account is so from wherever it is used.
bool is_of_account(Cause cause) { return cause == Cause::Auth || cause == Cause::Quota || cause == Cause::Account; }

std::uint64_t& last_taken(FleetShare& share, FleetFact::Kind kind) {
  switch (kind) {
    case FleetFact::Kind::Suspension: return share.suspension;
    case FleetFact::Kind::Outage: return share.outage;
    case FleetFact::Kind::Hint: break;
  }
  return share.hint;
}

std::optional<Change> take_suspension(Health& health, const FleetFact& fact, WallTime now) {
  const bool ends = fact.left <= Span(0);
  if (ends && !(health.suspended_until > now)) return std::nullopt;
  Change change{.kind = Change::Kind::Resumed, .at = now, .relay = {}, .words = "by the fleet, at " + fact.host};
  health.suspended_until.reset();
  if (ends) return change;
  change.kind = Change::Kind::Suspended;
  change.until = fact.left == FleetFact::kForever ? kFarFuture : now + fact.left;
  health.suspended_until = change.until;
  return change;
}

/// The next delivery sees whether it is well again.
void look_soon(Health& health, WallTime now) {
  if (health.outage) health.outage->until = std::min(health.outage->until, now);
}

std::optional<Change> take_outage(RelayState& state, const FleetFact& fact, const Stamps& stamps,
                                  const CoolDown& bounds, WallTime now) {
  Health& health = state.health;
  FleetShare& share = state.allowance.fleet;
  if (fact.left <= Span(0)) {
    // Whether it is over here too, the next delivery sees.
    if (share.outage_taken) look_soon(health, now);
    share.outage_taken = false;
    return std::nullopt;
  }
  if (health.down() || !is_of_account(fact.cause)) return std::nullopt;
  HealthEvent event{.kind = HealthEvent::Kind::Failed, .began = now, .cause = fact.cause};
  event.until = {.kind = Until::Kind::After, .span = fact.left};
  event.words = clip(fmt::format("at {}: {}", fact.host, fact.words), kLongestWords);
  event.stamps = stamps;
  if (!apply(health, event, Owner(), bounds, now)) return std::nullopt;
  share.outage_taken = true;
  return Change{.kind = Change::Kind::Down,
                .at = now,
                .relay = {},
                .cause = fact.cause,
                .until = health.outage->until,
                .words = health.outage->words};
}

/// Another host reaches it again.
void take_hint(Health& health, const FleetFact& fact, WallTime now) {
  if (fact.left <= Span(0) && is_reach_trouble(health.cause())) look_soon(health, now);
}

}  // namespace

std::string_view fact_name(FleetFact::Kind kind) {
  return std::find_if(kNames.begin(), kNames.end(), [&](const auto& one) { return one.first == kind; })->second;
}

std::optional<FleetFact::Kind> find_fact(std::string_view name) {
  const auto* const found =
      std::find_if(kNames.begin(), kNames.end(), [&](const auto& one) { return one.second == name; });
  return found == kNames.end() ? std::nullopt : std::optional(found->first);
}

std::optional<FleetFact> fact_to_tell(const RelayState& state, WallTime now) {
  using Telling = FleetShare::Telling;
  const Health& health = state.health;
  const FleetShare& share = state.allowance.fleet;
  if (!health.outage) {
    if (share.telling == Telling::Nothing) return std::nullopt;
    const auto kind = share.telling == Telling::Outage ? FleetFact::Kind::Outage : FleetFact::Kind::Hint;
    return FleetFact{.kind = kind, .left = Span(0), .host = {}, .words = "it is back"};
  }
  const Outage& outage = *health.outage;
  const bool of_account = is_of_account(outage.cause);
  if (share.outage_taken || outage.failed <= share.told || outage.until <= now) return std::nullopt;
  if (!of_account && !is_reach_trouble(outage.cause)) return std::nullopt;
  return FleetFact{.kind = of_account ? FleetFact::Kind::Outage : FleetFact::Kind::Hint,
                   .left = outage.until - now,
                   .host = {},
                   .cause = outage.cause,
                   .words = outage.words};
}

void note_told(RelayState& state, const FleetFact& fact) {
  using Telling = FleetShare::Telling;
  FleetShare& share = state.allowance.fleet;
  if (fact.kind == FleetFact::Kind::Suspension) return;
  const bool outage = fact.kind == FleetFact::Kind::Outage;
  share.telling = fact.left <= Span(0) ? Telling::Nothing : outage ? Telling::Outage : Telling::Hint;
  if (fact.left > Span(0) && state.health.outage) share.told = std::max(share.told, state.health.outage->failed);
}

std::vector<Change> apply_facts(RelayState& state, std::span<const FleetFact> facts, std::string_view relay,
                                std::string_view self, const Stamps& stamps, const CoolDown& bounds, WallTime now) {
  std::vector<Change> changes;
  FleetShare& share = state.allowance.fleet;
  if (!state.health.down()) share.outage_taken = false;
  for (const FleetFact& fact : facts) {
    std::uint64_t& last = last_taken(share, fact.kind);
    if (fact.at <= last) continue;
    last = fact.at;
    if (fact.host == self) continue;
    std::optional<Change> change;
    switch (fact.kind) {
      case FleetFact::Kind::Suspension: change = take_suspension(state.health, fact, now); break;
      case FleetFact::Kind::Outage: change = take_outage(state, fact, stamps, bounds, now); break;
      case FleetFact::Kind::Hint: take_hint(state.health, fact, now); break;
    }
    if (!change) continue;
    change->relay = relay;
    changes.push_back(*std::move(change));
  }
  state.health.stamp = std::max(state.health.stamp, now);
  return changes;
}

}  // namespace relaypipe
