// A host of a fleet spends what it was granted before, so no delivery depends on the store.
//
// What always holds:
// - The store counts a grant as used from the moment it is made. So the sum of what all hosts may use is never above
// the
//   quota, whatever becomes of a host or an answer.
// - What a host has left it may give back only in a question: from then on it does not use it any more.
// - In a rolling window a grant counts until the last moment at which it may be used has left the window.
//
// While the store is away a host uses up its slice, also beyond its time: the store counts it as used (kSliceGrace).

#include "state/slice.h"

#include <algorithm>

#include "state/quota.h"

namespace relaypipe {
namespace {

/// Of a quota's window; a shorter life wastes less where a host dies, a longer one spares questions.
constexpr int kLivesPerWindow = 8;
constexpr Span kLongestLife = std::chrono::minutes(10);
constexpr Span kMinute = std::chrono::minutes(1);
/// How soon the answer to another process's question is here.
constexpr Span kOvertaken = std::chrono::milliseconds(100);

std::uint64_t left(const Slice& slice, std::uint64_t taken) {
  return slice.granted > taken ? slice.granted - taken : 0;
}

std::int64_t index_now(const FleetShare& share, const LimitRule& rule, WallTime now, const ZoneOffset& zones) {
  return rule.period == Period::Rolling ? 0 : period_index(rule.period, rule.zone, now + share.ahead, zones);
}

/// Of what this claim may use.
std::uint64_t granted_for(const Slice& slice, const SliceClaim& claim) {
  return slice.granted - (claim.urgent ? 0 : slice.urgent);
}

bool is_granted(const Slice* slice, const SliceClaim& claim, WallTime now) {
  if (slice == nullptr || !slice->known() || slice->until <= now) return false;
  return slice->spent + claim.held + claim.wanted <= granted_for(*slice, claim);
}

/// Whether the store was asked lately, and had nothing.
bool is_dry(const Slice* slice, const SliceClaim& claim, WallTime now) {
  if (slice == nullptr || !slice->known() || slice->dry_until <= now) return false;
  return !claim.urgent || slice->dry_for_urgent;
}

/// Without the store: what `when_away` lets a host use.
bool may_use_away(const FleetShare& share, const LimitRule& rule, const Slice* slice, WhenAway when_away,
                  const SliceClaim& claim, WallTime now) {
  const std::uint64_t hosts = std::max<std::uint64_t>(share.hosts, 1);
  if (when_away == WhenAway::Open) return true;
  // Of a window without an answer nothing is known: neither a slice nor what others have used.
  const bool same_window =
      slice != nullptr && slice->known() && (rule.period != Period::Rolling || slice->answered + rule.window > now);
  if (!same_window) {
    return when_away == WhenAway::Share && claim.counted + claim.held + claim.wanted <= claim.most / hosts;
  }
  const std::uint64_t sum = slice->spent + claim.held + claim.wanted;
  const bool usable = now < slice->until + kSliceGrace;
  const std::uint64_t granted = usable ? granted_for(*slice, claim) : slice->told;
  if (sum <= granted) return true;
  if (when_away == WhenAway::Closed) return false;
  const std::uint64_t remaining = claim.most > slice->fleet ? claim.most - slice->fleet : 0;
  return sum <= granted + remaining / hosts;
}

}  // namespace

Span slice_life(const LimitRule& rule) {
  if (rule.is_rate) return kMinute;
  if (rule.period != Period::Rolling) return kLongestLife;
  return std::clamp(rule.window / kLivesPerWindow, Span(100), kLongestLife);
}

const Slice* find_slice(const FleetShare& share, const LimitRule& rule, WallTime now, const ZoneOffset& zones) {
  const std::uint64_t key = rule_key(rule);
  const std::int64_t index = index_now(share, rule, now, zones);
  const auto found = std::find_if(share.slices.begin(), share.slices.end(),
                                  [&](const Slice& slice) { return slice.rule == key && slice.index == index; });
  return found == share.slices.end() ? nullptr : &*found;
}

SliceStanding slice_standing(const FleetShare& share, const LimitRule& rule, WhenAway when_away,
                             const SliceClaim& claim, WallTime now, const ZoneOffset& zones) {
  const Slice* const slice = find_slice(share, rule, now, zones);
  if (is_granted(slice, claim, now)) return {.enough = true};
  const bool dry = is_dry(slice, claim, now);
  if (!share.away() && dry && !slice->learning) return {.free_at = slice->dry_until};
  if (!share.away() && !dry && !claim.asked) return {.ask = true};
  // The question was overtaken by a later one of this host, whose answer says what there is.
  const bool learning = slice != nullptr && slice->learning;
  if (!share.away() && !learning) return {.free_at = now + kOvertaken};
  if (may_use_away(share, rule, slice, when_away, claim, now)) return {.enough = true};
  return {.free_at = now + kMinute};
}

void spend(FleetShare& share, const LimitRule& rule, std::uint64_t amount, WallTime now, const ZoneOffset& zones) {
  const Slice* const found = find_slice(share, rule, now, zones);
  if (found == nullptr) return;
  Slice& slice = share.slices[static_cast<std::size_t>(found - share.slices.data())];
  slice.spent += amount;
  slice.urgent = std::min(slice.urgent, left(slice, slice.spent));
  const std::int64_t minute = now.time_since_epoch() / kMinute;
  if (minute != slice.recent.minute) {
    slice.recent.before = minute == slice.recent.minute + 1 ? slice.recent.now : 0;
    slice.recent.minute = minute;
    slice.recent.now = 0;
  }
  slice.recent.now += amount;
}

bool wants_more(const FleetShare& share, const LimitRule& rule, std::uint64_t held, WallTime now,
                const ZoneOffset& zones) {
  if (share.away()) return now >= share.failed + kAskAgain;
  const Slice* const slice = find_slice(share, rule, now, zones);
  if (slice == nullptr || !slice->known()) return true;
  if (slice->dry_until > now) return false;
  return now >= slice->renew || left(*slice, slice->spent + held) <= slice->size / 10;
}

bool wants_facts(const FleetShare& share, WallTime now) {
  const bool tried = share.away() && now - share.failed < kAskAgain;
  return now - share.answered >= kLookForFacts && !tried && !share.is_starting(now);
}

std::uint64_t used_lately(const RecentUse& recent, WallTime now) {
  const std::int64_t minute = now.time_since_epoch() / kMinute;
  const auto into = static_cast<std::uint64_t>((now.time_since_epoch() % kMinute).count());
  const auto whole = static_cast<std::uint64_t>(kMinute.count());
  // As much of the minute before as lies within sixty seconds from now.
  if (minute == recent.minute) return recent.now + recent.before * (whole - into) / whole;
  return minute == recent.minute + 1 ? recent.now * (whole - into) / whole : 0;
}

RateShare rate_share(const LimitRule& rule, const FleetShare& share) {
  const std::uint64_t hosts = std::max<std::uint64_t>(share.hosts, 1);
  if (rule.count >= hosts) return {.count = rule.count / hosts, .window = rule.window};
  const auto times = static_cast<std::int64_t>((hosts + rule.count - 1) / std::max<std::uint64_t>(rule.count, 1));
  return {.count = 1, .window = rule.window * times};
}

void move_back(FleetShare& share, Span back) {
  const auto move = [&](WallTime& time) {
    if (time != kNever) time -= back;
  };
  for (WallTime* const time : {&share.answered, &share.failed, &share.started, &share.asking_until, &share.told})
    move(*time);
  share.ahead += back;
  for (Slice& slice : share.slices) {
    for (WallTime* const time : {&slice.until, &slice.renew, &slice.answered, &slice.dry_until})
      move(*time);
  }
}

void drop_old_slices(FleetShare& share, const Limits& limits, WallTime now, const ZoneOffset& zones) {
  std::erase_if(share.slices, [&](const Slice& slice) {
    return std::none_of(limits.rules.begin(), limits.rules.end(), [&](const LimitRule& rule) {
      // The one of the window before is kept: the clocks of two processes differ a little at its end.
      return rule_key(rule) == slice.rule && slice.index >= index_now(share, rule, now, zones) - 1;
    });
  });
}

}  // namespace relaypipe
