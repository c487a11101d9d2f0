// The race decides which session a message goes over, as values: events go in, actions come out, time is an argument.
//
// Invariants:
// - A leg is admitted, looked up and dialled in this order, and at most once at a time; legs start in the plan's order.
// - A lower leg starts only when every one above it has failed, was skipped, or has completed no step for its patience.
//   So a slow relay keeps its place, and a silent one loses it.
// - One session wins. Whatever else is being opened is given up and has not failed: an interrupted attempt must not
//   count against a relay that was still connecting.
// - Only what Failed says uses an endpoint up. The last leg is never displaced, so it gets the long limits.
//
// Rejected alternatives:
// - The 250 ms of RFC 8305 between all candidates: with MX preferences a lower host on the same network wins every
//   time. They hold between addresses of equal preference alone.
// - A multiple of a relay's usual time in place of patience: after a fast day a healthy relay lost its place at 0.4 s.
// - Patience counted from the dial: a relay behind TLS, AUTH and 150 ms of path is never ready within two seconds of a
//   cold start, although it answers every step at once.

#include "deliver/race.h"

#include <algorithm>
#include <utility>

#include "deliver/dial_target.h"
#include "relay/protection.h"

namespace relaypipe {

Race::Race(const RoutePlan& plan, const RunSettings& settings, const OwnHost& self, Random random)
    : plan_(&plan), settings_(&settings), self_(&self), random_(random), legs_(plan.legs.size()) {
  for (std::size_t leg = 0; leg < legs_.size(); ++leg)
    legs_[leg].leave = plan.legs[leg].ask ? Leave::Wanted : Leave::Given;
}

void Race::on(race::Event event, Instant now) {
  std::visit([&](auto& what) { apply(what, now); }, event);
}

std::vector<race::Action> Race::advance(Instant now) {
  if (!winner_ && !over_) {
    for (std::size_t leg = 0; leg < legs_.size(); ++leg) {
      if (legs_[leg].phase == Phase::Looking) look(leg, now);
    }
    start_legs(now);
    dial_due(now);
    dial_late(now);
  }
  return std::exchange(actions_, {});
}

void Race::report(std::size_t leg, Peer peer, AttemptResult what, Duration took) {
  actions_.emplace_back(race::Report{{std::move(peer), std::move(what), took, {}, leg}});
}

// Events.

void Race::apply(const race::Answered& event, Instant now) {
  for (LegState& state : legs_) {
    if (state.phase == Phase::Looking && state.lookup->answer(event.query, event.answer, now)) state.progress = now;
  }
}

void Race::apply(const race::Admitted& event, Instant) { legs_[event.leg].leave = Leave::Given; }

void Race::apply(const race::Postponed& event, Instant) {
  legs_[event.leg].leave = Leave::Wanted;
  legs_[event.leg].ask_again = event.until;
}

void Race::apply(race::NotAdmitted& event, Instant now) {
  LegState& state = legs_[event.leg];
  state.leave = Leave::Given;
  state.phase = Phase::Done;
  drop(event.leg, std::nullopt);
  report(event.leg, unresolved(plan_->legs[event.leg].relay), std::move(event.why), now - state.asked.value_or(now));
}

void Race::apply(const race::Released& event, Instant) {
  if (!plan_->legs[event.leg].ask) return;
  LegState& state = legs_[event.leg];
  state.leave = Leave::Wanted;
  state.asked.reset();
  state.ask_again = {};
}

void Race::apply(const race::Progressed& event, Instant) {
  for (Running& running : running_) {
    if (running.id != event.id) continue;
    running.progress = event.progress;
    Instant& newest = legs_[running.candidate.leg].progress;
    newest = std::max(newest, running.progress.step.value_or(newest));
  }
}

void Race::apply(race::Failed& event, Instant now) {
  auto running = take_running(event.id);
  if (!running) return;
  Candidate& candidate = running->candidate;
  const Relay& relay = plan_->legs[candidate.leg].relay;
  const SessionFailure& why = event.why;
  const bool tls_broke =
      why.stage == Stage::Tls && (why.error == SessionError::TlsFailed || why.error == SessionError::Lost);
  const ConnectionUse again{running->peer.host, running->peer.ip, false, true};
  const bool in_clear = tls_policy(relay.destination, *relay.settings, again) == TlsLevel::None;
  const bool again_in_clear = tls_broke && !why.tls_needed && !candidate.handshake_failed && in_clear;
  LegState& state = legs_[candidate.leg];
  state.next_due = now;
  report(candidate.leg, running->peer, std::move(event.why), now - running->started);
  if (!again_in_clear) return;
  candidate.handshake_failed = true;
  state.queue.push_front(std::move(candidate));
}

void Race::apply(const race::Ready& event, Instant now) {
  winner_ = take_running(event.id);
  for (Running& running : std::exchange(running_, {}))
    give_up(std::move(running), now);
}

void Race::apply(const race::Reopened&, Instant now) {
  LegState& state = legs_[winner_->candidate.leg];
  state.queue.push_front(std::move(winner_->candidate));
  state.started = state.progress = state.next_due = now;
  winner_.reset();
}

void Race::apply(const race::Spent&, Instant now) {
  const std::size_t leg = winner_->candidate.leg;
  const Relay& relay = plan_->legs[leg].relay;
  LegState& state = legs_[leg];
  const std::uint64_t limit = relay.settings->mx_session_limit;
  const bool one_server = relay.destination.lookup == Lookup::Address;
  const bool used_up = one_server || (limit != 0 && ++state.sessions >= limit);
  drop(leg, used_up ? std::nullopt : std::optional(winner_->candidate.endpoint.host_index));
  winner_.reset();
  // The patience of those that were beaten, and of the leg itself, starts anew.
  for (LegState& other : legs_) {
    if (other.phase == Phase::Trying && !other.queue.empty()) other.progress = other.next_due = now;
  }
}

void Race::apply(const race::Abandoned&, Instant now) {
  over_ = true;
  for (Running& running : std::exchange(running_, {})) {
    const bool silent = had_its_time(running, now);
    report(running.candidate.leg, running.peer, Superseded{running.progress.stage, silent}, now - running.started);
  }
}

std::optional<Race::Running> Race::take_running(DialId id) {
  const auto it = std::find_if(running_.begin(), running_.end(), [&](const Running& r) { return r.id == id; });
  if (it == running_.end()) return std::nullopt;
  Running running = std::move(*it);
  running_.erase(it);
  return running;
}

void Race::drop(std::size_t leg, std::optional<std::size_t> host_index) {
  const auto of_it = [&](const Candidate& c) {
    return c.leg == leg && (!host_index || c.endpoint.host_index == *host_index);
  };
  std::erase_if(legs_[leg].queue, of_it);
  std::erase_if(late_, of_it);
}

// Questions.

bool Race::open(std::size_t leg) const {
  const LegState& state = legs_[leg];
  if (winner_ && winner_->candidate.leg == leg) return true;
  return state.phase == Phase::Looking || !state.queue.empty() || runs(leg);
}

bool Race::fresh_left() const {
  return std::any_of(legs_.begin(), legs_.end(), [](const LegState& state) {
    return state.phase == Phase::Waiting || state.phase == Phase::Looking || !state.queue.empty();
  });
}

bool Race::exhausted() const { return running_.empty() && late_.empty() && !fresh_left(); }

bool Race::others_left() const {
  const std::size_t own = winner_ ? winner_->candidate.leg : legs_.size();
  for (std::size_t leg = 0; leg < legs_.size(); ++leg) {
    const Phase phase = legs_[leg].phase;
    // One that cools down is no way out.
    if (leg == own || (plan_->legs[leg].turn == Leg::Turn::Last && phase == Phase::Waiting)) continue;
    if (phase == Phase::Waiting || phase == Phase::Looking || !legs_[leg].queue.empty()) return true;
  }
  return std::any_of(late_.begin(), late_.end(), [&](const Candidate& c) { return c.leg != own; });
}

}  // namespace relaypipe
