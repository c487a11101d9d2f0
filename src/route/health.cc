#include "route/health.h"

#include <algorithm>
#include <limits>

namespace relaypipe {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// No reply makes a relay rest longer.
constexpr Span kLongestRest = days(31);
/// Where a reply names no time: a rate is a matter of seconds; a rolling quota frees gradually; providers punish
/// repeated AUTH and send-as failures (facts: "one try per cool-down across all processes").
constexpr Span kRateRest = seconds(5);
constexpr Span kAccountRest = hours(1);

constexpr std::uint32_t kEnoughSamples = 5;
constexpr Span kSlowFloor = milliseconds(500);
constexpr Span kOldAverage = minutes(10);

Span doubled(Span first, std::uint32_t failures, Span most) {
  Span rest = first;
  for (std::uint32_t i = 1; i < failures && rest < most; ++i)
    rest *= 2;
  return std::max(first, std::min(rest, most));
}

WallTime default_end(Cause cause, std::uint32_t failures, const CoolDown& bounds, WallTime now) {
  switch (cause) {
    case Cause::Auth:
    case Cause::Quota:
    case Cause::Account:
    case Cause::SenderNotAllowed: return now + kAccountRest;
    case Cause::Policy:
      return now + doubled(to_span(bounds.most), failures, std::max(to_span(bounds.most), kAccountRest));
    case Cause::Rate: return now + doubled(kRateRest, failures, to_span(bounds.most));
    default: return now + doubled(to_span(bounds.least), failures, to_span(bounds.most));
  }
}

WallTime rest_end(const HealthEvent& event, std::uint32_t failures, const CoolDown& bounds, WallTime now) {
  switch (event.until.kind) {
    case Until::Kind::After: return now + std::clamp(to_span(event.until.span), Span(seconds(1)), kLongestRest);
    case Until::Kind::UtcMidnight: return std::chrono::floor<days>(now) + days(1);
    case Until::Kind::NextHour: return std::chrono::floor<hours>(now) + hours(1);
    case Until::Kind::Credentials: return now + kAccountRest;
    case Until::Kind::Unknown: break;
  }
  return default_end(event.cause, failures, bounds, now);
}

/// Trouble that may be over at any time, and that asking about costs the relay nothing.
bool is_reach_trouble(Cause cause) { return cause == Cause::Network || cause == Cause::Tls || cause == Cause::Unknown; }

bool end_probe(Health& health, const Owner& owner) {
  if (health.probe_until == kNever || health.prober != owner) return false;
  health.probe_until = kNever;
  health.prober = {};
  return true;
}

void close(Health& health) {
  health.since = health.failed = health.until = health.probe_until = kNever;
  health.failures = 0;
  health.cause = Cause::Unknown;
  health.prober = {};
  health.suspicions = 0;
}

bool fail(Health& health, const HealthEvent& event, const CoolDown& bounds, WallTime now) {
  const bool was_well = health.since == kNever;
  // Attempts that ran side by side meet one failure, however many they are; what was running before the relay rested is
  // of the same kind. Only a probe, or another cause that keeps it down longer, says something new.
  const bool same = !was_well && event.began <= health.failed;
  if (!same) ++health.failures;
  const WallTime until = rest_end(event, health.failures, bounds, now);
  if (same && until <= health.until) return false;
  if (was_well) health.since = now;
  if (!same) health.failed = now;
  health.cause = event.cause;
  health.until = until;
  health.credentials = event.credentials;
  health.words = event.words;
  return was_well;
}

/// A relay that was down, or had all the time there is, has failed. One that is known to be faster is only suspected at
/// first; of a stranger nothing can be said that soon.
bool outrun(Health& health, const HealthEvent& event, const CoolDown& bounds, WallTime now) {
  const bool down = health.since != kNever;
  if (!down && !event.full_patience) {
    if (health.ready.samples == 0 || ++health.suspicions < kSuspicions) return false;
  }
  return fail(health, event, bounds, now);
}

void count_success(Health& health, WallTime now) {
  ++health.successes;
  const std::int64_t day = std::chrono::floor<days>(now).time_since_epoch().count();
  if (day != health.day) health.today = 0;
  health.day = day;
  ++health.today;
}

bool succeed(Health& health, const HealthEvent& event) {
  health.suspicions = 0;
  if (health.since == kNever) return false;
  // It began before the failure, so it says nothing about what came after.
  if (event.began < health.failed) return false;
  if (event.kind == HealthEvent::Kind::Ready && !is_reach_trouble(health.cause) && health.cause != Cause::Auth) {
    return false;
  }
  close(health);
  return true;
}

}  // namespace

void Average::add(Duration sample) {
  const double ms = std::chrono::duration<double, std::milli>(sample).count();
  value = samples == 0 ? ms : value + (ms - value) / 8;
  if (samples < std::numeric_limits<std::uint32_t>::max()) ++samples;
}

WallTime settle(Health& health, WallTime now) {
  if (health.stamp > now + kClockSlack) {
    const Span back = health.stamp - now;
    for (WallTime* const time :
         {&health.since, &health.failed, &health.until, &health.probe_since, &health.probe_until, &health.measured}) {
      if (*time != kNever) *time -= back;
    }
    // An end that an administrator gave as a span; "until further notice" is no time of any clock.
    if (health.suspended_until != kNever && health.suspended_until != kFarFuture) health.suspended_until -= back;
    health.stamp = now;
  }
  now = std::max(now, health.stamp);
  // What lies ahead all the same is damage: no success would ever be later than such a failure.
  for (WallTime* const past : {&health.since, &health.failed, &health.probe_since, &health.measured})
    *past = std::min(*past, now);
  return now;
}

Standing standing(const Health& health, WallTime now, std::uint64_t credentials, const CoolDown& bounds,
                  const Alive& alive) {
  if (health.suspended_until > now) return {Standing::Kind::Suspended, health.suspended_until};
  const bool probed = health.probe_until > now && alive(health.prober);
  if (health.since == kNever) {
    Standing well;
    well.stranger = health.ready.samples == 0;
    if (well.stranger && probed) well.watched_since = health.probe_since;
    return well;
  }
  if (probed) return {Standing::Kind::Probing, health.probe_until};
  const bool new_credentials = health.cause == Cause::Auth && credentials != health.credentials;
  if (health.until <= now || new_credentials) return {Standing::Kind::Due, now};
  const bool early = is_reach_trouble(health.cause) && health.failed + to_span(bounds.least) <= now;
  return {Standing::Kind::Resting, health.until, early};
}

void take_probe(Health& health, const Owner& owner, WallTime until, WallTime now) {
  health.prober = owner;
  health.probe_since = now;
  health.probe_until = until;
  health.stamp = std::max(health.stamp, now);
}

bool learn(Health& health, const HealthEvent& event, const Owner& owner, const CoolDown& bounds, WallTime now) {
  now = settle(health, now);
  health.stamp = now;
  // A relay that is down for another reason than the network has to show more than a session before the probe is over.
  if (event.kind != HealthEvent::Kind::Ready || health.since == kNever) end_probe(health, owner);
  if (event.ready || event.accepted) health.measured = now;
  if (event.ready) health.ready.add(*event.ready);
  if (event.accepted) health.accepted.add(*event.accepted);
  switch (event.kind) {
    case HealthEvent::Kind::Failed: return fail(health, event, bounds, now);
    case HealthEvent::Kind::Outrun: return outrun(health, event, bounds, now);
    case HealthEvent::Kind::Accepted: count_success(health, now); return succeed(health, event);
    case HealthEvent::Kind::Ready: return succeed(health, event);
    case HealthEvent::Kind::Ended: break;
  }
  return false;
}

bool of_whole_relay(Cause cause) {
  return cause == Cause::Auth || cause == Cause::Quota || cause == Cause::Rate || cause == Cause::Account ||
         cause == Cause::Policy;
}

std::optional<Span> average_time(const Health& health, WallTime now) {
  if (health.accepted.samples < kEnoughSamples || now - health.measured > kOldAverage) return std::nullopt;
  return Span(static_cast<Span::rep>(health.ready.value + health.accepted.value));
}

bool much_slower(const Health& health, std::span<const Health* const> others, double factor, WallTime now) {
  const std::optional<Span> own = average_time(health, now);
  if (!own) return false;
  std::optional<Span> best;
  for (const Health* const other : others) {
    const std::optional<Span> time = other->since == kNever ? average_time(*other, now) : std::nullopt;
    if (time && (!best || *time < *best)) best = time;
  }
  if (!best || *own < *best + kSlowFloor) return false;
  return static_cast<double>(own->count()) > factor * static_cast<double>(best->count());
}

}  // namespace relaypipe
