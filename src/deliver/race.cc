// The race decides which session a message goes over, as values: acts come out, events go in, time is an argument.
//
// What always holds:
// - A leg is looked up, admitted and dialled in this order, and at most once at a time; legs start in the plan's order.
// - A leg that stands lower starts only when every one above it has failed, was skipped, or has completed no step for
// its
//   patience. So a slow relay keeps its place, and a silent one loses it.
// - One session wins. Whatever else is being opened is given up and has not failed: an interrupted attempt must not
// count
//   against a relay that was still connecting.
// - Only what was told by failed() uses an endpoint up. The last leg is never displaced, so it gets the long limits.
//
// What was tried and left:
// - The 250 ms of RFC 8305 between all candidates: with MX preferences a lower host on the same network wins every
// time.
//   They hold between addresses of equal preference alone.
// - A multiple of a relay's usual time in place of patience: after a fast day a healthy relay lost its place at 0.4 s.
// - Patience counted from the dial: a relay behind TLS, AUTH and 150 ms of path is never ready within two seconds of a
//   cold start, although it answers every step at once.

#include "deliver/race.h"

#include <algorithm>

#include "deliver/dial_target.h"

namespace relaypipe {
namespace {

/// A connection that TCP has not answered after so many address_patience is a black hole until proved otherwise.
constexpr int kConnectPatience = 3;

}  // namespace

Race::Race(const RoutePlan& plan, const Settings& settings, const OwnHost& self, Random random)
    : plan_(&plan), settings_(&settings), self_(&self), random_(random), legs_(plan.legs.size()) {
  for (std::size_t leg = 0; leg < legs_.size(); ++leg)
    legs_[leg].leave = plan.legs[leg].ask ? Leave::Wanted : Leave::Given;
}

Duration Race::patience_of(std::size_t leg) const { return plan_->legs[leg].relay.settings.patience; }

std::vector<Race::Act> Race::advance(Instant now, const ProgressOf& progress_of) {
  std::vector<Act> acts;
  note_progress(progress_of);
  for (std::size_t leg = 0; leg < legs_.size(); ++leg) {
    if (legs_[leg].phase == Phase::Looking) look(leg, now, acts);
  }
  start_legs(now, acts);
  dial_due(now, acts);
  dial_late(now, acts);
  return acts;
}

/// A leg is open while it can still lead to a session by itself, and while it has one.
bool Race::open(std::size_t leg) const {
  const LegState& state = legs_[leg];
  if (winner_ && winner_->candidate.leg == leg) return true;
  if (state.phase == Phase::Looking || !state.queue.empty()) return true;
  return runs(leg);
}

bool Race::runs(std::size_t leg) const {
  return std::any_of(running_.begin(), running_.end(),
                     [&](const Running& r) { return r.candidate.leg == leg && !r.leaving; });
}

void Race::note_progress(const ProgressOf& progress_of) {
  for (Running& running : running_) {
    if (running.leaving) continue;
    running.progress = progress_of(running.id);
    Instant& newest = legs_[running.candidate.leg].progress;
    newest = std::max(newest, running.progress.step.value_or(newest));
  }
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
bool Race::may_try(std::size_t leg, Instant now, std::vector<Act>& acts) {
  LegState& state = legs_[leg];
  if (state.leave == Leave::Given) return true;
  if (state.leave == Leave::Asked || now < state.ask_again) return false;
  if (!state.asked) state.asked = now;
  state.leave = Leave::Asked;
  acts.emplace_back(Admit{leg, now - *state.asked});
  return false;
}

void Race::admitted(std::size_t leg) { legs_[leg].leave = Leave::Given; }

void Race::postponed(std::size_t leg, Instant until) {
  legs_[leg].leave = Leave::Wanted;
  legs_[leg].ask_again = until;
}

void Race::skipped(std::size_t leg, Skipped why, Instant now) {
  LegState& state = legs_[leg];
  state.leave = Leave::Given;
  state.phase = Phase::Trying;
  drop(leg, std::nullopt);
  const Relay& relay = plan_->legs[leg].relay;
  const Duration waited = now - state.asked.value_or(now);
  attempts_.push_back({{relay.name, relay.destination.host, "", relay.destination.port}, std::move(why), waited, {}});
}

void Race::released(std::size_t leg) {
  LegState& state = legs_[leg];
  if (!plan_->legs[leg].ask) return;
  state.leave = Leave::Wanted;
  state.asked.reset();
  state.ask_again = {};
}

void Race::start_legs(Instant now, std::vector<Act>& acts) {
  for (std::size_t leg = 0; leg < legs_.size(); ++leg) {
    LegState& state = legs_[leg];
    if (state.phase != Phase::Waiting) continue;
    if (now < leg_due() || !may_try(leg, now, acts)) return;
    for (std::size_t before = 0; before < leg; ++before)
      mark_overdue(before, now);
    state.phase = Phase::Looking;
    state.started = state.progress = now;
    state.lookup.emplace(plan_->legs[leg].relay, *self_, Random(random_.next()), now);
    look(leg, now, acts);
  }
}

void Race::look(std::size_t leg, Instant now, std::vector<Act>& acts) {
  LegState& state = legs_[leg];
  const Relay& relay = plan_->legs[leg].relay;
  for (Query& query : state.lookup->take_queries())
    acts.emplace_back(Ask{std::move(query)});
  const auto found = state.lookup->result(now);
  if (!found) return;
  state.phase = Phase::Trying;
  state.next_due = now;
  if (!*found) {
    Peer peer{relay.name, relay.destination.host, "", relay.destination.port};
    attempts_.push_back({std::move(peer), found->error(), now - state.started, {}});
    const SessionError error = found->error().error;
    if (error == SessionError::LoopsBack || error == SessionError::NoPrimary) skip_waiting(false);
    return;
  }
  if (state.lookup->is_own_domain(now)) skip_waiting(true);
  queue_endpoints(leg, **found);
}

/// In their order, but of one preference those that failed lately come last, and a preference of which all failed comes
/// after the others.
void Race::queue_endpoints(std::size_t leg, const std::vector<Endpoint>& endpoints) {
  const std::vector<std::string>& cooling_down = plan_->legs[leg].cooling_down;
  const auto cools_down = [&](const Candidate& candidate) {
    const std::string address = endpoint_text(candidate.endpoint.address.text(), candidate.endpoint.port);
    return std::find(cooling_down.begin(), cooling_down.end(), address) != cooling_down.end();
  };
  std::vector<Candidate> failed;
  auto& queue = legs_[leg].queue;
  for (auto one = endpoints.begin(); one != endpoints.end();) {
    std::vector<Candidate> equals;
    const std::uint16_t preference = one->preference;
    for (; one != endpoints.end() && one->preference == preference; ++one)
      equals.push_back({leg, *one});
    std::stable_partition(equals.begin(), equals.end(), [&](const Candidate& c) { return !cools_down(c); });
    if (cools_down(equals.front()))
      failed.insert(failed.end(), equals.begin(), equals.end());
    else
      queue.insert(queue.end(), equals.begin(), equals.end());
  }
  queue.insert(queue.end(), failed.begin(), failed.end());
  for (std::size_t i = 1; i < queue.size(); ++i) {
    const bool lower = queue[i].endpoint.preference != queue[i - 1].endpoint.preference;
    queue[i].rank = queue[i - 1].rank + (lower ? 1 : 0);
  }
}

/// This host is an MX of the domain: whoever stands later in the list, or is a relay of last resort, would send the
/// message back to us.
void Race::skip_waiting(bool only_fallback) {
  for (std::size_t leg = 0; leg < legs_.size(); ++leg) {
    const bool concerned = !only_fallback || plan_->legs[leg].fallback;
    if (legs_[leg].phase == Phase::Waiting && concerned) legs_[leg].phase = Phase::Trying;
  }
}

/// When the next address of a leg may be dialled: beside others of its rank soon, beside better ones when they have
/// made no progress for the relay's patience, else at once.
Instant Race::queue_due(std::size_t leg) const {
  const LegState& state = legs_[leg];
  if (!runs(leg)) return Instant::min();
  return state.queue.front().rank <= state.rank ? state.next_due : state.progress + patience_of(leg);
}

void Race::dial_due(Instant now, std::vector<Act>& acts) {
  for (std::size_t leg = 0; leg < legs_.size(); ++leg) {
    LegState& state = legs_[leg];
    while (!state.queue.empty() && now >= queue_due(leg) && may_try(leg, now, acts)) {
      if (opening() >= settings_->max_sessions && !make_room(now, acts)) return;
      Candidate candidate = std::move(state.queue.front());
      state.queue.pop_front();
      if (candidate.rank > state.rank) mark_overdue(leg, now);
      if (candidate.rank > state.rank || !runs(leg)) state.progress = now;
      state.rank = candidate.rank;
      state.next_due = now + settings_->address_patience;
      dial(std::move(candidate), now, acts);
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
void Race::dial_late(Instant now, std::vector<Act>& acts) {
  while (!late_.empty() && !fresh_left() && opening() < settings_->max_sessions) {
    if (!may_try(late_.front().leg, now, acts)) return;
    Candidate candidate = std::move(late_.front());
    late_.pop_front();
    candidate.last_try = true;
    dial(std::move(candidate), now, acts);
  }
}

void Race::dial(Candidate candidate, Instant now, std::vector<Act>& acts) {
  const Relay& relay = plan_->legs[candidate.leg].relay;
  DialTarget target = dial_target(relay, candidate.endpoint);
  if (candidate.clear_text) target.tls = TlsLevel::None;
  running_.push_back({next_id_, std::move(candidate), target.peer, now});
  acts.emplace_back(Dial{next_id_++, std::move(target)});
}

/// Frees a place by giving up the oldest attempt that has made no progress for its time. False when every one of them
/// may still win in time.
bool Race::make_room(Instant now, std::vector<Act>& acts) {
  for (Running& running : running_) {
    if (running.leaving || running.candidate.last_try) continue;
    const Duration silent = now - running.last_step();
    const bool unconnected = running.progress.stage <= Stage::Connect;
    const bool black_hole = unconnected && silent >= kConnectPatience * settings_->address_patience;
    if (!black_hole && silent < patience_of(running.candidate.leg)) continue;
    running.leaving = true;
    acts.emplace_back(GiveUp{running.id});
    return true;
  }
  return false;
}

std::size_t Race::opening() const {
  return static_cast<std::size_t>(
      std::count_if(running_.begin(), running_.end(), [](const Running& r) { return !r.leaving; }));
}

bool Race::fresh_left() const {
  return std::any_of(legs_.begin(), legs_.end(),
                     [](const LegState& state) { return state.phase != Phase::Trying || !state.queue.empty(); });
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
    if (!queued || opening() < settings_->max_sessions) break;
    const bool unconnected = running.progress.stage <= Stage::Connect;
    if (unconnected) consider(running.last_step() + kConnectPatience * settings_->address_patience);
    consider(running.last_step() + patience_of(running.candidate.leg));
  }
  return wake;
}

bool Race::exhausted() const { return running_.empty() && late_.empty() && !fresh_left(); }

bool Race::others_left() const {
  const std::size_t own = winner_ ? winner_->candidate.leg : legs_.size();
  for (std::size_t leg = 0; leg < legs_.size(); ++leg) {
    // One that cools down is no way out.
    if (leg == own || (plan_->legs[leg].turn == Leg::Turn::Last && legs_[leg].phase == Phase::Waiting)) continue;
    if (legs_[leg].phase != Phase::Trying || !legs_[leg].queue.empty()) return true;
  }
  return std::any_of(late_.begin(), late_.end(), [&](const Candidate& c) { return c.leg != own; });
}

void Race::answered(const Query& query, const Answer& answer, Instant now) {
  for (LegState& state : legs_) {
    if (state.phase == Phase::Looking && state.lookup->answer(query, answer, now)) state.progress = now;
  }
}

std::optional<Race::Running> Race::take_running(DialId id) {
  const auto it = std::find_if(running_.begin(), running_.end(), [&](const Running& r) { return r.id == id; });
  if (it == running_.end()) return std::nullopt;
  Running running = std::move(*it);
  running_.erase(it);
  return running;
}

void Race::failed(DialId id, const SessionFailure& why, Instant now) {
  auto running = take_running(id);
  if (!running) return;
  Candidate& candidate = running->candidate;
  LegState& state = legs_[candidate.leg];
  state.next_due = now;
  attempts_.push_back({running->peer, why, now - running->started, {}});
  const Relay& relay = plan_->legs[candidate.leg].relay;
  const bool tls_broke =
      why.stage == Stage::Tls && (why.error == SessionError::TlsFailed || why.error == SessionError::Lost);
  if (tls_broke && !why.tls_needed && relay.settings.tls == TlsLevel::May && !relay.destination.implicit_tls &&
      !candidate.clear_text) {
    candidate.clear_text = true;
    state.queue.push_front(std::move(candidate));
  }
}

/// Whether an attempt made no progress for the whole patience of its relay, or until something lower started for that.
bool Race::had_its_time(const Running& running, Instant now) const {
  const bool overdue = running.overdue && running.last_step() <= *running.overdue;
  return overdue || now - running.last_step() >= patience_of(running.candidate.leg);
}

void Race::given_up(DialId id, const Progress& progress, Instant now) {
  auto running = take_running(id);
  if (!running) return;
  running->progress = progress;
  Candidate& candidate = running->candidate;
  const bool silent = had_its_time(*running, now);
  const bool equal = winner_ && candidate.leg == winner_->candidate.leg && candidate.rank == winner_->candidate.rank;
  const bool slower = equal && now - running->last_step() >= settings_->address_patience;
  if (winner_ && !silent && !slower) {
    // Beaten while it still had time: nothing speaks against it, it only waits for its turn.
    legs_[candidate.leg].queue.push_front(std::move(candidate));
    return;
  }
  attempts_.push_back({running->peer, Superseded{progress.stage, silent}, now - running->started, {}});
  late_.push_back(std::move(candidate));
}

void Race::abandon(Instant now, const ProgressOf& progress_of) {
  note_progress(progress_of);
  for (const Running& running : std::exchange(running_, {})) {
    const bool silent = had_its_time(running, now);
    attempts_.push_back({running.peer, Superseded{running.progress.stage, silent}, now - running.started, {}});
  }
}

std::vector<Race::Act> Race::won(DialId id, Instant) {
  std::vector<Act> acts;
  winner_ = take_running(id);
  for (Running& running : running_) {
    if (!running.leaving) acts.emplace_back(GiveUp{running.id});
    running.leaving = true;
  }
  return acts;
}

void Race::drop(std::size_t leg, std::optional<std::size_t> host_index) {
  const auto of_it = [&](const Candidate& c) {
    return c.leg == leg && (!host_index || c.endpoint.host_index == *host_index);
  };
  std::erase_if(legs_[leg].queue, of_it);
  std::erase_if(late_, of_it);
}

void Race::reopen_winner(Instant now) {
  LegState& state = legs_[winner_->candidate.leg];
  state.queue.push_front(std::move(winner_->candidate));
  state.started = state.progress = state.next_due = now;
  winner_.reset();
}

void Race::spend_winner(Instant now) {
  const std::size_t leg = winner_->candidate.leg;
  const Relay& relay = plan_->legs[leg].relay;
  LegState& state = legs_[leg];
  const std::uint64_t limit = relay.settings.mx_session_limit;
  const bool one_server = relay.destination.lookup == Lookup::Address;
  const bool used_up = one_server || (limit != 0 && ++state.sessions >= limit);
  drop(leg, used_up ? std::nullopt : std::optional(winner_->candidate.endpoint.host_index));
  winner_.reset();
  // The patience of those that were beaten, and of the leg itself, starts anew.
  for (LegState& other : legs_) {
    if (other.phase == Phase::Trying && !other.queue.empty()) other.progress = other.next_due = now;
  }
}

}  // namespace relaypipe
