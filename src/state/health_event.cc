#include "state/health_event.h"

#include <algorithm>
#include <cassert>

namespace relaypipe {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

/// No reply makes a relay rest longer.
constexpr Span kLongestRest = days(31);
/// Where a reply names no time: a rate is a matter of seconds; a rolling quota frees gradually; providers punish
/// repeated AUTH and send-as failures (facts: "one try per cool-down across all processes").
constexpr Span kRateRest = seconds(5);
constexpr Span kAccountRest = hours(1);
constexpr Span kOldDoubt = hours(1);

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

/// It is well again.
void close(Health& health) {
  health.outage.reset();
  health.looks.clear();
}

/// Whether an attempt ran beside the one that met the failure. They meet one failure, however many they are; what was
/// running before the relay rested is of the same kind. Only a probe, or another cause that keeps it down longer, says
/// something new.
bool is_same_failure(const Health& health, const HealthEvent& event) {
  return health.outage && event.began <= health.outage->failed;
}

/// Whether the message that the relay failed with has come again: that is no reason to keep it from the others for
/// longer.
bool is_same_message(const Health& health, const HealthEvent& event) {
  const bool known = health.outage && event.cause == health.outage->cause;
  return known && event.transaction && event.transaction->message == health.outage->message;
}

bool fail(Health& health, const HealthEvent& event, const CoolDown& bounds, WallTime now) {
  const bool was_well = !health.down();
  const bool same = is_same_failure(health, event);
  if ((same && is_reach_trouble(event.cause)) || is_same_message(health, event)) return false;
  if (was_well) health.outage = Outage{.since = now, .failed = now, .until = now};
  Outage& outage = *health.outage;
  if (!same) ++outage.failures;
  const WallTime until = rest_end(event, outage.failures, bounds, now);
  if (same && until <= outage.until) return false;
  if (!same) outage.failed = now;
  outage.cause = event.cause;
  outage.until = until;
  outage.stamps = event.stamps;
  outage.words = event.words;
  outage.message = event.transaction ? std::optional(event.transaction->message) : std::nullopt;
  return was_well;
}

/// Whether trouble that may lie in one message, or one domain, was met by enough of them. What side by side broke is
/// one, except where each had its whole time, or was refused for itself.
bool believed(Health& health, const HealthEvent& event, WallTime now) {
  const FailedTransaction& met = *event.transaction;
  std::vector<Doubt>& doubts = health.doubts;
  std::erase_if(doubts, [&](const Doubt& doubt) { return doubt.at + kOldDoubt <= now; });
  std::vector<const Doubt*> alike;
  for (const Doubt& doubt : doubts) {
    if (doubt.of_domain != met.of_domain) continue;
    if (doubt.message == met.message) return false;
    alike.push_back(&doubt);
  }
  if (!alike.empty() && event.began < alike.back()->at && !met.apart) return false;
  const auto others = [&](const Doubt* doubt) { return doubt->sender != met.sender; };
  const bool senders = !met.sender || std::any_of(alike.begin(), alike.end(), others);
  const bool enough = alike.size() + 1 >= kDoubts && senders;
  if (alike.size() == kDoubts) doubts.erase(doubts.begin() + (alike.front() - doubts.data()));
  doubts.push_back({.of_domain = met.of_domain, .message = met.message, .sender = met.sender, .at = now});
  return enough;
}

/// Whether the suspicions are enough. What began before the last one was known met the same silence.
bool suspect(Health& health, const HealthEvent& event, WallTime now) {
  std::optional<Suspicion>& suspicion = health.suspicion;
  if (!suspicion) suspicion = Suspicion{.attempts = 0, .since = event.began, .last = event.began};
  if (event.began < suspicion->last) return false;
  suspicion->last = now;
  ++suspicion->attempts;
  return suspicion->attempts >= kSuspicions && now - suspicion->since >= event.patience;
}

/// A relay that was down, or had all the time there is, has failed. One that is known to be faster is only suspected at
/// first; of an unknown one nothing can be said that soon.
bool superseded(Health& health, const HealthEvent& event, const CoolDown& bounds, WallTime now) {
  if (!health.down() && !event.full_patience && (health.ready.samples == 0 || !suspect(health, event, now)))
    return false;
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
  health.suspicion.reset();
  if (event.kind == HealthEvent::Kind::Accepted) health.doubts.clear();
  health.proved = std::max(health.proved.value_or(event.began), event.began);
  if (!health.outage) return false;
  const Outage& outage = *health.outage;
  // It began before the failure, so it says nothing about what came after.
  if (event.began < outage.failed) return false;
  const bool by_session = is_reach_trouble(outage.cause) || outage.cause == Cause::Auth;
  if (event.kind == HealthEvent::Kind::Ready && (!by_session || outage.message)) return false;
  close(health);
  return true;
}

/// Whether the attempt only did not get ready, and one that began later did: its silence is over.
bool is_outdated(const Health& health, const HealthEvent& event) {
  const bool failed = event.kind == HealthEvent::Kind::Failed || event.kind == HealthEvent::Kind::Superseded;
  const bool unready = failed && !event.transaction && is_reach_trouble(event.cause);
  return unready && health.proved && event.began < *health.proved;
}

void keep_measures(Health& health, const HealthEvent& event, WallTime now) {
  if (event.pipelined) health.one_by_one_until = now + kOneByOne;
  if (event.certificate_end) health.certificate_end = event.certificate_end;
  if (event.offers_dsn) health.offers_dsn = *event.offers_dsn;
  if (event.ready || event.accepted) health.measured = now;
  if (event.ready) health.ready.add(*event.ready);
  if (event.accepted) health.accepted.add(*event.accepted);
}

/// True when it went down or came back.
bool learn(Health& health, const HealthEvent& event, const CoolDown& bounds, WallTime now) {
  switch (event.kind) {
    case HealthEvent::Kind::Failed: return fail(health, event, bounds, now);
    case HealthEvent::Kind::Superseded: return superseded(health, event, bounds, now);
    case HealthEvent::Kind::Accepted: count_success(health, now); return succeed(health, event);
    case HealthEvent::Kind::Ready: return succeed(health, event);
    case HealthEvent::Kind::Ended: break;
  }
  return false;
}

}  // namespace

bool apply(Health& health, const HealthEvent& event, const Owner& owner, const CoolDown& bounds, WallTime now) {
  assert(!event.transaction || event.kind == HealthEvent::Kind::Failed);
  now = settle(health, now);
  health.stamp = now;
  // A relay that is down for another reason than the network has to show more than a session before the look is over.
  if (event.kind != HealthEvent::Kind::Ready || !health.down())
    end_look(health.looks, owner);
  else
    keep_looking(health.looks, owner, now + event.patience);
  keep_measures(health, event, now);
  if (is_outdated(health, event)) return false;
  if (event.transaction && event.transaction->doubtful && !believed(health, event, now)) return false;
  return learn(health, event, bounds, now);
}

bool may_lie_in_message(Cause cause) {
  return is_reach_trouble(cause) || cause == Cause::Policy || cause == Cause::Auth;
}

bool of_whole_relay(Cause cause) {
  return cause == Cause::Auth || cause == Cause::Quota || cause == Cause::Rate || cause == Cause::Account ||
         cause == Cause::Policy || cause == Cause::RelayingDenied;
}

}  // namespace relaypipe
