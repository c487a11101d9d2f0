// What of the race starts now, and what gives up its place for it. The invariants are at the head of race.cc.

#include <algorithm>
#include <utility>

#include "deliver/dial_target.h"
#include "deliver/race.h"

namespace relaypipe {
namespace {

/// A connection that TCP has not answered after so many address_patience is a black hole until proved otherwise.
constexpr int kConnectPatience = 3;

}  // namespace

Duration Race::patience_of(std::size_t leg) const { return plan_->legs[leg].relay.settings->patience; }

bool Race::runs(std::size_t leg) const {
  return std::any_of(running_.begin(), running_.end(), [&](const Running& r) { return r.candidate.leg == leg; });
}

/// When the next waiting leg may start: at once when every leg before it is used up, else when all preferences of the
/// others were begun and have made no progress for their patience.
Instant Race::leg_due() const {
  Instant due = Instant::min();
  for (std::size_t leg = 0; leg < legs_.size(); ++leg) {
    const LegState& state = legs_[leg];
    if (state.phase == Phase::Waiting || !open(leg)) continue;
    const bool begun = state.queue.empty() || state.queue.back().rank <= state.rank;
    due = std::max(due, begun ? state.progress + patience_of(leg) : Instant::max());
  }
  return due;
}

/// Whether the history has admitted the leg; asks it where it has to be asked.
bool Race::may_try(std::size_t leg, Instant now) {
  LegState& state = legs_[leg];
  if (state.leave == Leave::Given) return true;
  if (state.leave == Leave::Asked || now < state.ask_again) return false;
  if (!state.asked) state.asked = now;
  state.leave = Leave::Asked;
  actions_.emplace_back(race::Admit{leg, now - *state.asked});
  return false;
}

void Race::start_legs(Instant now) {
  for (std::size_t leg = 0; leg < legs_.size(); ++leg) {
    LegState& state = legs_[leg];
    if (state.phase != Phase::Waiting) continue;
    if (now < leg_due() || !may_try(leg, now)) return;
    for (std::size_t before = 0; before < leg; ++before)
      mark_overdue(before, now);
    state.phase = Phase::Looking;
    state.started = state.progress = now;
    state.lookup.emplace(plan_->legs[leg].relay, *self_, Random(random_.next()), now);
    look(leg, now);
  }
}

void Race::look(std::size_t leg, Instant now) {
  LegState& state = legs_[leg];
  for (Query& query : state.lookup->take_queries())
    actions_.emplace_back(race::Ask{std::move(query)});
  const auto found = state.lookup->result(now);
  if (!found) return;
  state.phase = Phase::Trying;
  state.next_due = now;
  if (!*found) {
    const SessionError error = found->error().error;
    report(leg, unresolved(plan_->legs[leg].relay), found->error(), now - state.started);
    if (error == SessionError::LoopsBack || error == SessionError::NoPrimary) skip_waiting(false);
    return;
  }
  if (state.lookup->is_own_domain(now)) skip_waiting(true);
  state.queue = rank_candidates(leg, **found, plan_->legs[leg].cooling_down);
}

/// This host is an MX of the domain: whoever stands later in the list, or is a relay of last resort, would send the
/// message back to us.
void Race::skip_waiting(bool only_fallback) {
  for (std::size_t leg = 0; leg < legs_.size(); ++leg) {
    const bool concerned = !only_fallback || plan_->legs[leg].fallback;
    if (legs_[leg].phase == Phase::Waiting && concerned) legs_[leg].phase = Phase::Done;
  }
}

/// When the next address of a leg may be dialled: beside others of its rank soon, beside better ones when they have
/// made no progress for the relay's patience, else at once.
Instant Race::queue_due(std::size_t leg) const {
  const LegState& state = legs_[leg];
  if (!runs(leg)) return Instant::min();
  return state.queue.front().rank <= state.rank ? state.next_due : state.progress + patience_of(leg);
}

void Race::dial_due(Instant now) {
  for (std::size_t leg = 0; leg < legs_.size(); ++leg) {
    LegState& state = legs_[leg];
    while (!state.queue.empty() && now >= queue_due(leg) && may_try(leg, now)) {
      if (running_.size() >= settings_->max_sessions && !make_room(now)) return;
      Candidate candidate = std::move(state.queue.front());
      state.queue.pop_front();
      if (candidate.rank > state.rank) mark_overdue(leg, now);
      if (candidate.rank > state.rank || !runs(leg)) state.progress = now;
      state.rank = candidate.rank;
      state.next_due = now + settings_->address_patience;
      dial(std::move(candidate), now);
    }
  }
}

/// Something lower starts: what of the leg runs has made no progress for its patience.
void Race::mark_overdue(std::size_t leg, Instant now) {
  for (Running& running : running_) {
    if (running.candidate.leg == leg) running.overdue = now;
  }
}

/// The last resort: what was displaced or superseded, once nothing new is left.
void Race::dial_late(Instant now) {
  while (!late_.empty() && !fresh_left() && running_.size() < settings_->max_sessions) {
    if (!may_try(late_.front().leg, now)) return;
    Candidate candidate = std::move(late_.front());
    late_.pop_front();
    candidate.last_try = true;
    dial(std::move(candidate), now);
  }
}

void Race::dial(Candidate candidate, Instant now) {
  DialTarget target = dial_target(plan_->legs[candidate.leg].relay, candidate.endpoint, candidate.handshake_failed);
  actions_.emplace_back(race::Dial{next_id_, candidate.leg, target});
  running_.push_back({next_id_++, std::move(candidate), std::move(target.peer), now});
}

/// Frees a place by giving up the oldest attempt that has made no progress for its time. False when every one of them
/// may still win in time.
bool Race::make_room(Instant now) {
  for (const Running& running : running_) {
    if (running.candidate.last_try) continue;
    const Duration silent = now - running.last_step();
    const bool unconnected = running.progress.stage <= Stage::Connect;
    const bool black_hole = unconnected && silent >= kConnectPatience * settings_->address_patience;
    if (!black_hole && silent < patience_of(running.candidate.leg)) continue;
    give_up(*take_running(running.id), now);
    return true;
  }
  return false;
}

/// Whether an attempt made no progress for the whole patience of its relay, or until something lower started for that.
bool Race::had_its_time(const Running& running, Instant now) const {
  const bool overdue = running.overdue && running.last_step() <= *running.overdue;
  return overdue || now - running.last_step() >= patience_of(running.candidate.leg);
}

void Race::give_up(Running running, Instant now) {
  actions_.emplace_back(race::GiveUp{running.id});
  Candidate& candidate = running.candidate;
  const bool silent = had_its_time(running, now);
  const bool equal = winner_ && candidate.leg == winner_->candidate.leg && candidate.rank == winner_->candidate.rank;
  const bool slower = equal && now - running.last_step() >= settings_->address_patience;
  if (winner_ && !silent && !slower) {
    // Beaten while it still had time: nothing speaks against it, it only waits for its turn.
    legs_[candidate.leg].queue.push_front(std::move(candidate));
    return;
  }
  report(candidate.leg, running.peer, Superseded{running.progress.stage, silent}, now - running.started);
  late_.push_back(std::move(candidate));
}

Instant Race::wake(Instant now) const {
  Instant wake = Instant::max();
  const auto consider = [&](Instant when) {
    if (when > now) wake = std::min(wake, when);
  };
  bool queued = false;
  for (std::size_t leg = 0; leg < legs_.size(); ++leg) {
    const LegState& state = legs_[leg];
    if (state.leave == Leave::Wanted) consider(state.ask_again);
    if (state.phase == Phase::Waiting) consider(leg_due());
    if (state.phase == Phase::Looking) consider(state.lookup->wake(now));
    if (!state.queue.empty()) consider(queue_due(leg));
    queued = queued || !state.queue.empty();
  }
  for (const Running& running : running_) {
    if (!queued || running_.size() < settings_->max_sessions) break;
    const bool unconnected = running.progress.stage <= Stage::Connect;
    if (unconnected) consider(running.last_step() + kConnectPatience * settings_->address_patience);
    consider(running.last_step() + patience_of(running.candidate.leg));
  }
  return wake;
}

}  // namespace relaypipe
