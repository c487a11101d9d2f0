#include "state/health.h"

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
constexpr Span kOldDoubt = hours(1);
constexpr std::size_t kMostLooks = 16;  ///< remembered

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
    case Cause::RelayingDenied:
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

/// Of a relay that is not known to be well. A few may hang; from then on the next one looks after the shortest rest,
/// and each further one after twice the time of the one before, so that a silent relay never takes many processes.
Standing by_looks(const Health& health, WallTime now, std::size_t at_once, const CoolDown& bounds, const Alive& alive) {
  std::size_t alive_looks = 0;
  WallTime newest = kNever;
  WallTime progress = kNever;
  for (const Look& look : health.looks) {
    if (!alive(look.owner)) continue;
    ++alive_looks;
    newest = std::max(newest, look.since);
    progress = std::max(progress, look.until);
  }
  if (alive_looks < at_once) return {Standing::Kind::Due, now};
  if (progress > now) return {Standing::Kind::Probing, progress};
  if (alive_looks < kLooks) return {Standing::Kind::Due, now};
  const auto beyond = static_cast<std::uint32_t>(alive_looks - kLooks) + 1;
  const WallTime next = newest + doubled(to_span(bounds.least), beyond, to_span(bounds.most));
  return next <= now ? Standing{Standing::Kind::Due, now} : Standing{Standing::Kind::Hanging, next};
}

void close(Health& health) {
  health.since = health.failed = health.until = kNever;
  health.failures = 0;
  health.cause = Cause::Unknown;
  health.looks.clear();
  health.in_transaction = false;
  health.message = 0;
}

void forget_suspicions(Health& health) {
  health.suspicions = 0;
  health.suspected_since = health.suspected = kNever;
}

bool fail(Health& health, const HealthEvent& event, const CoolDown& bounds, WallTime now) {
  const bool was_well = health.since == kNever;
  // Attempts that ran side by side meet one failure, however many they are; what was running before the relay rested is
  // of the same kind. Only a probe, or another cause that keeps it down longer, says something new.
  const bool same = !was_well && event.began <= health.failed;
  if (same && is_reach_trouble(event.cause)) return false;
  // The message it failed with has come again: that is no reason to keep the relay from the others for longer.
  const bool again = !was_well && event.message != 0 && event.message == health.message;
  if (again && health.cause == event.cause) return false;
  if (!same) ++health.failures;
  const WallTime until = rest_end(event, health.failures, bounds, now);
  if (same && until <= health.until) return false;
  if (was_well) health.since = now;
  if (!same) health.failed = now;
  health.cause = event.cause;
  health.until = until;
  health.stamps = event.stamps;
  health.words = event.words;
  health.in_transaction = event.message != 0;
  health.message = event.message;
  return was_well;
}

/// Whether trouble that may lie in one message, or one domain, was met by enough of them. What side by side broke is
/// one, except where each had its whole time, or was refused for itself.
bool believed(Health& health, const HealthEvent& event, WallTime now) {
  std::vector<Doubt>& doubts = health.doubts;
  std::erase_if(doubts, [&](const Doubt& doubt) { return doubt.at + kOldDoubt <= now; });
  std::vector<const Doubt*> alike;
  for (const Doubt& doubt : doubts) {
    if (doubt.of_domain != event.of_domain) continue;
    if (doubt.message == event.message) return false;
    alike.push_back(&doubt);
  }
  if (!alike.empty() && event.began < alike.back()->at && !event.apart) return false;
  const auto others = [&](const Doubt* doubt) { return doubt->sender != event.sender; };
  const bool senders = event.sender == 0 || std::any_of(alike.begin(), alike.end(), others);
  const bool enough = alike.size() + 1 >= kDoubts && senders;
  if (alike.size() == kDoubts) doubts.erase(doubts.begin() + (alike.front() - doubts.data()));
  doubts.push_back({event.of_domain, event.message, event.sender, now});
  return enough;
}

/// Whether the suspicions are enough. What began before the last one was known met the same silence.
bool suspect(Health& health, const HealthEvent& event, WallTime now) {
  if (health.suspicions > 0 && event.began < health.suspected) return false;
  if (health.suspicions == 0) health.suspected_since = event.began;
  health.suspected = now;
  ++health.suspicions;
  return health.suspicions >= kSuspicions && now - health.suspected_since >= event.patience;
}

/// A relay that was down, or had all the time there is, has failed. One that is known to be faster is only suspected at
/// first; of an unknown one nothing can be said that soon.
bool superseded(Health& health, const HealthEvent& event, const CoolDown& bounds, WallTime now) {
  const bool down = health.since != kNever;
  if (!down && !event.full_patience && (health.ready.samples == 0 || !suspect(health, event, now))) return false;
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
  forget_suspicions(health);
  if (event.kind == HealthEvent::Kind::Accepted) health.doubts.clear();
  health.proved = std::max(health.proved, event.began);
  if (health.since == kNever) return false;
  // It began before the failure, so it says nothing about what came after.
  if (event.began < health.failed) return false;
  const bool by_session = is_reach_trouble(health.cause) || health.cause == Cause::Auth;
  if (event.kind == HealthEvent::Kind::Ready && (!by_session || health.in_transaction)) return false;
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
    for (WallTime* const time : {&health.since, &health.failed, &health.until, &health.suspected_since,
                                 &health.suspected, &health.proved, &health.reset, &health.measured}) {
      if (*time != kNever) *time -= back;
    }
    // An end that an administrator gave as a span; "until further notice" is no time of any clock.
    if (health.suspended_until != kNever && health.suspended_until != kFarFuture) health.suspended_until -= back;
    if (health.one_by_one_until != kNever) health.one_by_one_until -= back;
    for (Doubt& doubt : health.doubts)
      doubt.at -= back;
    for (Look& look : health.looks) {
      look.since -= back;
      look.until -= back;
    }
    health.stamp = now;
  }
  now = std::max(now, health.stamp);
  for (Doubt& doubt : health.doubts)
    doubt.at = std::min(doubt.at, now);
  for (Look& look : health.looks)
    look.since = std::min(look.since, now);
  health.one_by_one_until = std::min(health.one_by_one_until, now + kOneByOne);
  // What lies ahead all the same is damage: no success would ever be later than such a failure.
  for (WallTime* const past : {&health.since, &health.failed, &health.suspected_since, &health.suspected,
                               &health.proved, &health.reset, &health.measured})
    *past = std::min(*past, now);
  return now;
}

Standing standing(const Health& health, WallTime now, const Stamps& stamps, const CoolDown& bounds,
                  const Alive& alive) {
  if (health.suspended_until > now) return {Standing::Kind::Suspended, health.suspended_until};
  if (health.since == kNever) {
    if (health.ready.samples != 0) return {};
    Standing unknown = by_looks(health, now, kLooks, bounds, alive);
    if (unknown.kind == Standing::Kind::Due) unknown = {};
    unknown.unknown = true;
    return unknown;
  }
  const Standing looked = by_looks(health, now, 1, bounds, alive);
  if (looked.kind != Standing::Kind::Due) return looked;
  const bool new_credentials = health.cause == Cause::Auth && stamps.credentials != health.stamps.credentials;
  const bool changed = new_credentials || stamps.settings != health.stamps.settings;
  if (health.until <= now || changed) return {Standing::Kind::Due, now};
  const bool early = is_reach_trouble(health.cause) && health.failed + to_span(bounds.least) <= now;
  return {Standing::Kind::CoolingDown, health.until, early};
}

void take_look(Health& health, const Owner& owner, WallTime until, WallTime now, const Alive& alive) {
  std::erase_if(health.looks, [&](const Look& look) { return look.owner == owner || !alive(look.owner); });
  if (health.looks.size() >= kMostLooks) health.looks.erase(health.looks.begin());
  health.looks.push_back({owner, now, until});
  health.stamp = std::max(health.stamp, now);
}

void end_look(Health& health, const Owner& owner) {
  std::erase_if(health.looks, [&](const Look& look) { return look.owner == owner; });
}

void keep_looking(Health& health, const Owner& owner, WallTime until) {
  for (Look& look : health.looks) {
    if (look.owner == owner) look.until = std::max(look.until, until);
  }
}

bool apply(Health& health, const HealthEvent& event, const Owner& owner, const CoolDown& bounds, WallTime now) {
  now = settle(health, now);
  health.stamp = now;
  // A relay that is down for another reason than the network has to show more than a session before the look is over.
  if (event.kind != HealthEvent::Kind::Ready || health.since == kNever)
    end_look(health, owner);
  else
    keep_looking(health, owner, now + event.patience);
  if (event.pipelined) health.one_by_one_until = now + kOneByOne;
  if (event.certificate_end != kNever) health.certificate_end = event.certificate_end;
  if (event.ready || event.accepted) health.measured = now;
  if (event.ready) health.ready.add(*event.ready);
  if (event.accepted) health.accepted.add(*event.accepted);
  // An attempt that began later became ready: the silence of this one is over.
  const bool failed = event.kind == HealthEvent::Kind::Failed || event.kind == HealthEvent::Kind::Superseded;
  const bool unready = failed && event.message == 0 && is_reach_trouble(event.cause);
  if (unready && event.began < health.proved) return false;
  if (event.doubtful && !believed(health, event, now)) return false;
  switch (event.kind) {
    case HealthEvent::Kind::Failed: return fail(health, event, bounds, now);
    case HealthEvent::Kind::Superseded: return superseded(health, event, bounds, now);
    case HealthEvent::Kind::Accepted: count_success(health, now); return succeed(health, event);
    case HealthEvent::Kind::Ready: return succeed(health, event);
    case HealthEvent::Kind::Ended: break;
  }
  return false;
}

bool may_lie_in_message(Cause cause) {
  return is_reach_trouble(cause) || cause == Cause::Policy || cause == Cause::Auth;
}

bool of_whole_relay(Cause cause) {
  return cause == Cause::Auth || cause == Cause::Quota || cause == Cause::Rate || cause == Cause::Account ||
         cause == Cause::Policy || cause == Cause::RelayingDenied;
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
