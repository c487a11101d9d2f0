#include "state/quota.h"

#include <algorithm>
#include <cassert>

#include "base/hash.h"
#include "state/idle_places.h"
#include "state/slice.h"

namespace relaypipe {
namespace {

constexpr int kParts = 64;  ///< of a rolling window, when it has to be kept coarsely

const Used* find(const Allowance& allowance, const LimitRule& rule) {
  const std::uint64_t key = rule_key(rule);
  const auto found =
      std::find_if(allowance.used.begin(), allowance.used.end(), [&](const Used& used) { return used.rule == key; });
  return found == allowance.used.end() ? nullptr : &*found;
}

Used& find_or_make(Allowance& allowance, const LimitRule& rule) {
  const std::uint64_t key = rule_key(rule);
  for (Used& used : allowance.used) {
    if (used.rule == key) return used;
  }
  allowance.used.push_back({.rule = key, .counts = {}});
  return allowance.used.back();
}

std::uint64_t counted(const Used* used, const LimitRule& rule) {
  if (used == nullptr) return 0;
  if (rule.period != Period::Rolling) return used->in_period;
  std::uint64_t sum = 0;
  for (const Count& count : used->counts)
    sum += count.amount;
  return sum;
}

/// A limit as it holds for this host.
RateShare own_share(const LimitRule& rule, const Limits& limits, const Allowance& allowance) {
  if (rule.is_rate && limits.fleet) return rate_share(rule, allowance.fleet);
  return {.count = rule.count, .window = rule.window};
}

auto running_hold_of(Allowance& allowance, const Owner& owner) {
  return std::find_if(allowance.holds.begin(), allowance.holds.end(),
                      [&](const Hold& hold) { return !hold.idle && hold.owner == owner; });
}

void end_hold(Allowance& allowance, std::vector<Hold>::iterator hold, WallTime now, KeptUntil kept) {
  if (kept)
    *hold = {.owner = hold->owner, .at = now, .until = *kept, .recipients = 0, .idle = true};
  else
    allowance.holds.erase(hold);
}

/// Connections that are somebody's. The one that a claim's owner keeps is what it is going to use.
std::uint64_t taken_from(const Allowance& allowance, const Owner& owner) {
  const auto counts = [&](const Hold& hold) { return !(hold.idle && hold.owner == owner); };
  return static_cast<std::uint64_t>(std::count_if(allowance.holds.begin(), allowance.holds.end(), counts));
}

/// The part of a quota that this claim may use.
std::uint64_t ceiling(const LimitRule& rule, const Limits& limits, const Claim& claim) {
  if (claim.urgent) return rule.count;
  const std::uint64_t kept = limits.reserve.kept_of(rule.count);
  assert(kept <= rule.count);
  return rule.count - kept;
}

/// Puts times of one part of the window together until there is room.
void coarsen(std::vector<Count>& counts, Span window) {
  const Span part = std::max(window / kParts, Span(1));
  const auto part_of = [&](const Count& count) { return count.at.time_since_epoch() / part; };
  std::vector<Count> kept;
  for (const Count& count : counts) {
    if (!kept.empty() && part_of(kept.back()) == part_of(count)) {
      // The later time stands for both: both are forgotten only when the later one may be.
      kept.back() = {.at = count.at, .amount = kept.back().amount + count.amount};
    } else {
      kept.push_back(count);
    }
  }
  counts = std::move(kept);
}

void add(Used& used, const LimitRule& rule, std::uint64_t amount, WallTime now) {
  if (rule.period != Period::Rolling) {
    used.in_period += amount;
    return;
  }
  if (!used.counts.empty() && used.counts.back().at == now) {
    used.counts.back().amount += amount;
    return;
  }
  used.counts.push_back({.at = now, .amount = amount});
  if (used.counts.size() > kCounts) coarsen(used.counts, rule.window);
}

/// When so much has left the window that `over` units more fit, from what is counted alone; nothing where it is less.
std::optional<WallTime> rolling_free_at(const Used& used, Span window, std::uint64_t over) {
  for (const Count& count : used.counts) {
    if (count.amount >= over) return count.at + window;
    over -= count.amount;
  }
  return std::nullopt;
}

/// An attempt that runs will be counted or given back soon; how soon, nobody knows.
constexpr Span kSoon = std::chrono::seconds(1);

/// What the fleet's store has not granted.
std::optional<Exhausted> judge_slice(const Allowance& allowance, const Limits& limits, const LimitRule& rule,
                                     const Claim& claim, WallTime now, const ZoneOffset& zones) {
  if (!limits.fleet || rule.is_rate) return std::nullopt;
  const SliceClaim of_slice{.wanted = units(rule, claim.recipients),
                            .held = held(allowance, rule),
                            .counted = counted(find(allowance, rule), rule),
                            .most = ceiling(rule, limits, claim),
                            .urgent = claim.urgent,
                            .asked = claim.asked};
  const SliceStanding standing = slice_standing(allowance.fleet, rule, *limits.fleet, of_slice, now, zones);
  if (standing.enough) return std::nullopt;
  return Exhausted{.rule = &rule,
                   .free_at = standing.ask ? std::optional(now) : standing.free_at,
                   .fleet = true,
                   .ask = standing.ask};
}

/// What this host has counted itself.
std::optional<Exhausted> judge(const Allowance& allowance, const Limits& limits, const LimitRule& rule,
                               const Claim& claim, WallTime now, const ZoneOffset& zones) {
  const Used* const used = find(allowance, rule);
  const RateShare own = own_share(rule, limits, allowance);
  const std::uint64_t most = rule.is_rate ? own.count : ceiling(rule, limits, claim);
  const std::uint64_t wanted = units(rule, claim.recipients);
  const std::uint64_t sum = counted(used, rule) + held(allowance, rule) + wanted;
  if (sum <= most) return judge_slice(allowance, limits, rule, claim, now, zones);
  const bool reserve = sum <= rule.count;
  Exhausted found{.rule = &rule, .free_at = {}, .reserve = reserve};
  if (wanted > most) return found;
  if (rule.period != Period::Rolling) {
    found.free_at = period_end(rule.period, rule.zone, now, zones);
  } else {
    const auto free = used == nullptr ? std::nullopt : rolling_free_at(*used, own.window, sum - most);
    found.free_at = free.value_or(now + kSoon);
  }
  return found;
}

void settle_one(Used& used, const LimitRule& rule, Span window, WallTime now, const ZoneOffset& zones) {
  if (rule.period == Period::Rolling) {
    std::erase_if(used.counts, [&](const Count& count) { return count.at + window <= now; });
    return;
  }
  const std::int64_t index = period_index(rule.period, rule.zone, now, zones);
  // Only forward: a clock that was set back into the last period does not open it anew.
  if (index <= used.index) return;
  used.index = index;
  used.in_period = 0;
}

}  // namespace

std::uint64_t units(const LimitRule& rule, std::uint64_t recipients) {
  return rule.counted == Counted::Messages ? 1 : recipients;
}

std::uint64_t rule_key(const LimitRule& rule) { return hash_octets(rule.text, rule.is_rate ? 1 : 2); }

WallTime settle(Allowance& allowance, const Limits& limits, WallTime now, const ZoneOffset& zones) {
  if (allowance.stamp > now + kClockSlack) {
    const Span back = allowance.stamp - now;
    for (Used& used : allowance.used) {
      for (Count& count : used.counts)
        count.at -= back;
    }
    for (Hold& hold : allowance.holds) {
      hold.at -= back;
      hold.until -= back;
    }
    // What was counted in a calendar window of the future belongs to the present one.
    for (const LimitRule& rule : limits.rules) {
      if (rule.period == Period::Rolling) continue;
      Used& used = find_or_make(allowance, rule);
      used.index = std::min(used.index, period_index(rule.period, rule.zone, now, zones));
    }
    move_back(allowance.fleet, back);
    allowance.stamp = now;
  }
  now = std::max(now, allowance.stamp);
  for (const LimitRule& rule : limits.rules)
    settle_one(find_or_make(allowance, rule), rule, own_share(rule, limits, allowance).window, now, zones);
  std::erase_if(allowance.used, [&](const Used& used) {
    return std::none_of(limits.rules.begin(), limits.rules.end(),
                        [&](const LimitRule& rule) { return rule_key(rule) == used.rule; });
  });
  drop_old_slices(allowance.fleet, limits, now, zones);
  return now;
}

void drop_dead(Allowance& allowance, WallTime now, const Alive& alive) {
  std::erase_if(allowance.holds, [&](const Hold& hold) { return hold.until <= now || !alive(hold.owner); });
}

std::optional<Exhausted> exhausted(const Allowance& allowance, const Limits& limits, const Claim& claim, WallTime now,
                                   const ZoneOffset& zones) {
  std::optional<Exhausted> worst;
  const auto consider = [&](const std::optional<Exhausted>& found) {
    if (!found || (worst && !worst->free_at)) return;
    if (!worst || !found->free_at || *found->free_at > *worst->free_at) worst = found;
  };
  if (limits.connections != 0 && taken_from(allowance, claim.owner) >= limits.connections) {
    consider(Exhausted{.rule = nullptr, .free_at = now + kSoon});
  }
  for (const LimitRule& rule : limits.rules) {
    consider(judge(allowance, limits, rule, claim, now, zones));
  }
  return worst;
}

void take(Allowance& allowance, const Limits& limits, const Claim& claim, WallTime now) {
  allowance.stamp = std::max(allowance.stamp, now);
  close_idle(allowance, claim.owner);
  allowance.holds.push_back({.owner = claim.owner, .at = now, .until = claim.until, .recipients = claim.recipients});
  for (const LimitRule& rule : limits.rules) {
    if (rule.is_rate) add(find_or_make(allowance, rule), rule, units(rule, claim.recipients), now);
  }
}

void give_back(Allowance& allowance, const Limits& limits, const Owner& owner, WallTime now, KeptUntil kept) {
  const auto hold = running_hold_of(allowance, owner);
  if (hold == allowance.holds.end()) return;
  for (const LimitRule& rule : limits.rules) {
    // What has left its window is forgotten already; a later one must not go in its place.
    if (!rule.is_rate || rule.period != Period::Rolling || hold->at + own_share(rule, limits, allowance).window <= now)
      continue;
    Used& used = find_or_make(allowance, rule);
    // Where times were put together, the next later one stands for it.
    const auto found =
        std::find_if(used.counts.begin(), used.counts.end(), [&](const Count& count) { return count.at >= hold->at; });
    if (found == used.counts.end()) continue;
    found->amount -= std::min(found->amount, units(rule, hold->recipients));
    if (found->amount == 0) used.counts.erase(found);
  }
  end_hold(allowance, hold, now, kept);
}

void count(Allowance& allowance, const Limits& limits, const Owner& owner, std::uint64_t recipients, WallTime now,
           const ZoneOffset& zones, KeptUntil kept) {
  now = settle(allowance, limits, now, zones);
  allowance.stamp = now;
  for (const LimitRule& rule : limits.rules) {
    if (rule.is_rate) continue;
    add(find_or_make(allowance, rule), rule, units(rule, recipients), now);
    if (limits.fleet) spend(allowance.fleet, rule, units(rule, recipients), now, zones);
  }
  const auto hold = running_hold_of(allowance, owner);
  if (hold != allowance.holds.end()) end_hold(allowance, hold, now, kept);
}

std::uint64_t held(const Allowance& allowance, const LimitRule& rule) {
  if (rule.is_rate) return 0;
  std::uint64_t sum = 0;
  for (const Hold& hold : allowance.holds)
    sum += hold.idle ? 0 : units(rule, hold.recipients);
  return sum;
}

bool wants_refill(const Allowance& allowance, const Limits& limits, WallTime now, const ZoneOffset& zones) {
  if (!limits.fleet || allowance.fleet.is_starting(now)) return false;
  return std::any_of(limits.rules.begin(), limits.rules.end(), [&](const LimitRule& rule) {
    return !rule.is_rate && wants_more(allowance.fleet, rule, held(allowance, rule), now, zones);
  });
}

std::uint64_t amount_used(const Allowance& allowance, const LimitRule& rule) {
  return counted(find(allowance, rule), rule) + held(allowance, rule);
}

}  // namespace relaypipe
