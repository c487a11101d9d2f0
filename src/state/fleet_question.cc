#include "state/fleet_question.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "state/slice.h"

namespace relaypipe {
namespace {

/// A store that had nothing is not asked again for this long, unless it says when something will be free.
constexpr Span kLeastDry = std::chrono::seconds(1);
constexpr Span kMostDry = std::chrono::seconds(10);

std::uint64_t less(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

/// What this host alone has counted in the present window.
std::uint64_t counted_here(const Allowance& allowance, const LimitRule& rule) {
  return less(amount_used(allowance, rule), held(allowance, rule));
}

Slice& find_or_make(Allowance& allowance, const LimitRule& rule, WallTime now, const ZoneOffset& zones,
                    Random& random) {
  std::vector<Slice>& slices = allowance.fleet.slices;
  if (const Slice* const found = find_slice(allowance.fleet, rule, now, zones))
    return slices[static_cast<std::size_t>(found - slices.data())];
  Slice slice;
  slice.rule = rule_key(rule);
  if (rule.period != Period::Rolling)
    slice.index = period_index(rule.period, rule.zone, now + allowance.fleet.ahead, zones);
  // Of 53 bits, which the store's numbers have.
  slice.life = (random.next() >> 11U) | 1U;
  // What this host used before it was in the fleet is the fleet's use from now on.
  if (!rule.is_rate) slice.spent = slice.granted = counted_here(allowance, rule);
  slices.push_back(slice);
  return slices.back();
}

/// Gives back what is not needed: all that is only for urgent mail, and what would last for more than four minutes.
void give_back(Slice& slice, std::uint64_t taken, std::uint64_t target) {
  const std::uint64_t ordinary = less(less(slice.granted, taken), slice.urgent);
  slice.urgent = 0;
  if (slice.granted > taken) slice.granted = taken + std::min(ordinary, 2 * target);
}

SliceQuestion question_about(const LimitRule& rule, const Slice& slice, const Limits& limits, std::uint64_t sequence) {
  SliceQuestion question;
  question.window = slice_window(slice.rule, slice.index);
  question.rule = slice.rule;
  question.index = slice.index;
  question.life = slice.life;
  question.sequence = sequence;
  question.epoch = slice.epoch;
  question.spent = slice.spent;
  question.granted = slice.granted;
  question.untold = less(slice.spent, slice.told);
  question.fleet = slice.fleet;
  question.span = rule.period == Period::Rolling ? rule.window : Span(0);
  question.life_of_slice = slice_life(rule);
  if (rule.is_rate) return question;
  question.quota = rule.count;
  question.kept = limits.reserve.kept_of(rule.count);
  return question;
}

/// What is asked for: what twice the last minute's use lacks, and at least what the delivery that waits lacks.
void ask_for(SliceQuestion& question, const Slice& slice, std::uint64_t taken, std::uint64_t wanted,
             std::uint64_t target) {
  const std::uint64_t rest = less(slice.granted, taken);
  question.need = wanted != 0 ? less(wanted + taken, slice.granted) : rest == 0 ? 1 : 0;
  question.want = std::max(less(target, rest), question.need);
}

void apply_one(Slice& slice, const SliceQuestion& question, const SliceReply& reply, std::uint64_t held, WallTime sent,
               WallTime now) {
  // What `when_away` allows is what was left at the last answer of a store that knew: one that is still learning has
  // only a part of it, and would allow it anew each time.
  if (!reply.learning || !slice.known()) {
    slice.granted = reply.granted;
    slice.urgent = std::min(reply.urgent, less(slice.granted, slice.spent));
    slice.told = std::min(question.spent, slice.spent);
    slice.fleet = reply.fleet;
    slice.size = less(slice.granted, slice.spent + held);
    slice.answered = now;
  }
  slice.epoch = reply.epoch;
  slice.until = sent + question.life_of_slice;
  slice.renew = sent + question.life_of_slice / 2;
  slice.dry_until = kNever;
  slice.learning = reply.learning;
  const std::uint64_t base = std::max(question.granted, question.spent);
  if (question.quota != 0 && less(reply.granted, base) < question.need) {
    slice.dry_until = now + std::clamp(reply.free_in, kLeastDry, kMostDry);
    slice.dry_for_urgent = question.urgent;
  }
}

}  // namespace

std::string slice_window(std::uint64_t rule, std::int64_t index) {
  return index == 0 ? fmt::format("{:016x}", rule) : fmt::format("{:016x}.{}", rule, index);
}

std::vector<SliceQuestion> slice_questions(Allowance& allowance, const Limits& limits,
                                           const std::optional<SliceNeed>& need, WallTime now, const ZoneOffset& zones,
                                           Random& random) {
  std::vector<SliceQuestion> questions;
  const std::uint64_t sequence = ++allowance.fleet.sequence;
  for (const LimitRule& rule : limits.rules) {
    Slice& slice = find_or_make(allowance, rule, now, zones, random);
    const std::uint64_t running = held(allowance, rule);
    const std::uint64_t taken = slice.spent + running;
    const std::uint64_t wanted = need && !rule.is_rate ? units(rule, need->recipients) : 0;
    const std::uint64_t target = std::max(2 * (used_lately(slice.recent, now) + running), wanted);
    if (!rule.is_rate) give_back(slice, taken, std::max<std::uint64_t>(target, 1));
    SliceQuestion question = question_about(rule, slice, limits, sequence);
    if (!rule.is_rate) ask_for(question, slice, taken, wanted, target);
    question.urgent = need && need->urgent;
    questions.push_back(std::move(question));
  }
  return questions;
}

void apply_replies(Allowance& allowance, std::span<const SliceQuestion> questions, std::span<const SliceReply> replies,
                   WallTime sent, WallTime now) {
  assert(questions.size() == replies.size());
  FleetShare& share = allowance.fleet;
  share.answered = std::max(now, share.failed + Span(1));
  std::uint64_t running = 0;
  for (const Hold& hold : allowance.holds)
    running += hold.recipients;
  std::uint64_t hosts = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const SliceQuestion& question = questions[i];
    if (replies[i].stale) continue;
    hosts = std::max({hosts, replies[i].hosts, replies[i].learning ? share.hosts : 1});
    share.ahead = std::clamp(replies[i].now - sent, -kMostAhead, kMostAhead);
    for (Slice& slice : share.slices) {
      if (slice.rule != question.rule || slice.index != question.index || slice.life != question.life) continue;
      apply_one(slice, question, replies[i], running, sent, now);
    }
  }
  if (hosts != 0) share.hosts = hosts;
}

}  // namespace relaypipe
