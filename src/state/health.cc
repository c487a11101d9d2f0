#include "state/health.h"

#include <algorithm>
#include <cassert>

namespace relaypipe {
namespace {

/// Of a relay that is not known to be well. A few may hang; from then on the next one looks after the shortest rest,
/// and each further one after twice the time of the one before, so that a silent relay never takes many processes.
Standing by_looks(const Health& health, WallTime now, std::size_t at_once, const CoolDown& bounds, const Alive& alive) {
  assert(at_once > 0);
  std::size_t alive_looks = 0;
  WallTime newest = kNever;
  WallTime progress = kNever;
  for (const Look& look : health.looks) {
    if (!alive(look.owner)) continue;
    ++alive_looks;
    newest = std::max(newest, look.since);
    progress = std::max(progress, look.until);
  }
  if (alive_looks < at_once) return {.kind = Standing::Kind::Due, .until = now};
  if (progress > now) return {.kind = Standing::Kind::Probing, .until = progress};
  if (alive_looks < kLooks) return {.kind = Standing::Kind::Due, .until = now};
  const auto beyond = static_cast<std::uint32_t>(alive_looks - kLooks) + 1;
  const WallTime next = newest + doubled(to_span(bounds.least), beyond, to_span(bounds.most));
  if (next <= now) return {.kind = Standing::Kind::Due, .until = now};
  return {.kind = Standing::Kind::Hanging, .until = next};
}

/// Calls `visit` with each time at which something was found: none of them lies ahead of the clock.
template <class Visit>
void visit_past(Health& health, const Visit& visit) {
  if (health.outage) {
    visit(health.outage->since);
    visit(health.outage->failed);
  }
  if (health.suspicion) {
    visit(health.suspicion->since);
    visit(health.suspicion->last);
  }
  for (std::optional<WallTime>* const time : {&health.proved, &health.reset, &health.measured}) {
    if (*time) visit(**time);
  }
  for (Doubt& doubt : health.doubts)
    visit(doubt.at);
  for (Look& look : health.looks)
    visit(look.since);
}

/// Takes the remembered times back with a clock that was set back.
void move_back(Health& health, Span back) {
  visit_past(health, [&](WallTime& time) { time -= back; });
  if (health.outage) health.outage->until -= back;
  for (Look& look : health.looks)
    look.until -= back;
  // An end that an administrator gave as a span; "until further notice" is no time of any clock.
  if (health.suspended_until && health.suspended_until != kFarFuture) *health.suspended_until -= back;
  if (health.one_by_one_until) *health.one_by_one_until -= back;
}

}  // namespace

WallTime settle(Health& health, WallTime now) {
  if (health.stamp > now + kClockSlack) {
    move_back(health, health.stamp - now);
    health.stamp = now;
  }
  now = std::max(now, health.stamp);
  if (health.one_by_one_until > now + kOneByOne) health.one_by_one_until = now + kOneByOne;
  // What lies ahead all the same is damage: no success would ever be later than such a failure.
  visit_past(health, [&](WallTime& time) { time = std::min(time, now); });
  return now;
}

Standing standing(const Health& health, WallTime now, const Stamps& stamps, const CoolDown& bounds,
                  const Alive& alive) {
  if (health.suspended_until > now) return {.kind = Standing::Kind::Suspended, .until = *health.suspended_until};
  if (!health.outage) {
    if (health.ready.samples != 0) return {};
    Standing unknown = by_looks(health, now, kLooks, bounds, alive);
    if (unknown.kind == Standing::Kind::Due) unknown = {};
    unknown.unknown = true;
    return unknown;
  }
  const Standing looked = by_looks(health, now, 1, bounds, alive);
  if (looked.kind != Standing::Kind::Due) return looked;
  const Outage& outage = *health.outage;
  const bool new_credentials = outage.cause == Cause::Auth && stamps.credentials != outage.stamps.credentials;
  const bool changed = new_credentials || stamps.settings != outage.stamps.settings;
  if (outage.until <= now || changed) return {.kind = Standing::Kind::Due, .until = now};
  const bool early = is_reach_trouble(outage.cause) && outage.failed + to_span(bounds.least) <= now;
  return {.kind = Standing::Kind::CoolingDown, .until = outage.until, .early = early};
}

bool is_reach_trouble(Cause cause) { return cause == Cause::Network || cause == Cause::Tls || cause == Cause::Unknown; }

Span doubled(Span first, std::uint32_t times, Span most) {
  Span rest = first;
  for (std::uint32_t i = 1; i < times && rest < most; ++i)
    rest *= 2;
  return std::max(first, std::min(rest, most));
}

}  // namespace relaypipe
