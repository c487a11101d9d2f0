#include "fake/fake_relay.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "fake/fake_session.h"

namespace relaypipe::fake {
namespace {

Duration limit_of(Stage stage, const TimeLimits& limits) {
  switch (stage) {
    case Stage::Connect: return limits.connect;
    case Stage::Greeting: return limits.greeting;
    case Stage::Ehlo: return limits.helo;
    case Stage::StartTls:
    case Stage::Tls: return limits.starttls;
    case Stage::Auth: return limits.auth;
    default: throw std::logic_error("no stage of opening a session");
  }
}

/// Takes the first of several, but leaves the last one for ever.
template <class T>
T take_next(std::vector<T>& list) {
  T first = list.front();
  if (list.size() > 1) list.erase(list.begin());
  return first;
}

Reply reply_of(const std::string& text) {
  ReplyParser parser;
  parser.feed(text + "\r\n");
  return parser.take().value();
}

}  // namespace

FakeRelay& FakeRelay::ready_after(Duration takes, Stage stage) {
  openings_.push_back({takes, std::nullopt, stage, false});
  return *this;
}

FakeRelay& FakeRelay::by_steps(std::vector<std::pair<Duration, Stage>> steps) {
  openings_.back().steps = std::move(steps);
  return *this;
}

FakeRelay& FakeRelay::ready_by_steps(Duration every, std::size_t steps) {
  const Stage stages[] = {Stage::Greeting, Stage::Ehlo, Stage::StartTls, Stage::Tls, Stage::Ehlo, Stage::Auth};
  ready_after(steps * every, Stage::Connect);
  for (std::size_t step = 1; step < steps; ++step)
    openings_.back().steps.emplace_back(step * every, stages[std::min(step - 1, std::size(stages) - 1)]);
  return *this;
}

FakeRelay& FakeRelay::fails(SessionFailure why, Duration takes) {
  const Stage stage = why.stage;
  openings_.push_back({takes, std::move(why), stage, false});
  return *this;
}

FakeRelay& FakeRelay::greets(const std::string& reply, Duration takes) {
  return fails({Stage::Greeting, SessionError::Lost, "", reply_of(reply)}, takes);
}

FakeRelay& FakeRelay::silent_at(Stage stage) {
  openings_.push_back({{}, SessionFailure{stage, SessionError::TimedOut, "timed out"}, stage, true});
  return *this;
}

FakeRelay& FakeRelay::says(const std::string& verb, const std::string& reply, Duration takes) {
  add(verb, {Reaction::Does::Reply, reply, takes, false});
  return *this;
}

FakeRelay& FakeRelay::says_and_closes(const std::string& verb, const std::string& reply) {
  add(verb, {Reaction::Does::Reply, reply, {}, true});
  return *this;
}

FakeRelay& FakeRelay::closes_at(const std::string& verb, Duration takes) {
  add(verb, {Reaction::Does::Close, "-", takes, true});
  return *this;
}

FakeRelay& FakeRelay::stalls_at(const std::string& verb) {
  add(verb, {Reaction::Does::Stall, "-", {}, false});
  return *this;
}

FakeRelay& FakeRelay::offers(Capabilities capabilities) {
  capabilities_ = std::move(capabilities);
  return *this;
}

FakeRelay& FakeRelay::drips_at(const std::string& verb, const std::string& octets, Duration every) {
  if (verb != "DATA") stalls_at(verb);
  drips_at_ = verb;
  drip_ = octets;
  drip_every_ = every;
  return *this;
}

FakeRelay& FakeRelay::breaks_at(Duration since_start, const std::string& last_words) {
  breaks_ = since_start;
  last_words_ = last_words;
  return *this;
}

std::size_t FakeRelay::count(std::string_view verb) const {
  const auto begins = [&](const std::string& command) { return command.starts_with(verb); };
  return static_cast<std::size_t>(std::count_if(commands.begin(), commands.end(), begins));
}

Opening FakeRelay::next_opening() { return openings_.empty() ? Opening{} : take_next(openings_); }

Reaction FakeRelay::next_reaction(const std::string& verb) {
  const auto it = reactions_.find(verb);
  return it == reactions_.end() ? Reaction{} : take_next(it->second);
}

FakeRelay& FakeDialer::relay(const std::string& ip_and_port) {
  auto& relay = relays_[ip_and_port];
  if (!relay) relay = std::make_unique<FakeRelay>(*timeline_);
  return *relay;
}

void FakeDialer::start(DialId id, const DialTarget& target) {
  const std::string key = target.peer.ip + ":" + std::to_string(target.peer.port);
  const bool listens = relays_.contains(key);
  FakeRelay& dialled = relay(key);
  if (!listens) dialled.refused();
  dialled.dialled.push_back(timeline_->elapsed());
  dialled.targets.push_back(target);
  const Opening opening = dialled.next_opening();
  if (!running_.emplace(id, Dialled{&dialled, {opening.stage}}).second) throw std::logic_error("dialled twice");
  most_at_once_ = std::max(most_at_once_, running_.size());
  for (const auto& [after, stage] : opening.steps) {
    timeline_->after(after, [this, id, &dialled, stage = stage] {
      const auto it = running_.find(id);
      if (it == running_.end()) return;
      it->second.progress = {stage, timeline_->now()};
      dialled.stepped.push_back(timeline_->elapsed());
    });
  }
  const Duration takes = opening.silent ? limit_of(opening.stage, target.limits) : opening.takes;
  timeline_->after(takes, [this, id, opening] { finish(id, opening); });
}

void FakeDialer::finish(DialId id, const Opening& opening) {
  const auto it = running_.find(id);
  if (it == running_.end()) return;  // given up
  FakeRelay& dialled = *it->second.relay;
  running_.erase(it);
  if (opening.fails)
    events_.push_back({id, *opening.fails});
  else
    events_.push_back({id, std::make_unique<FakeSession>(dialled, *timeline_)});
}

/// An attempt whose event was handed out, or is about to be, may be given up too.
Stage FakeDialer::cancel(DialId id) {
  const Stage reached = stage(id);
  if (const auto it = running_.find(id); it != running_.end()) {
    it->second.relay->cancelled.push_back(reached);
    running_.erase(it);
  }
  std::erase_if(events_, [&](const DialEvent& event) { return event.id == id; });
  return reached;
}

Progress FakeDialer::progress(DialId id) const {
  const auto it = running_.find(id);
  return it == running_.end() ? Progress() : it->second.progress;
}

}  // namespace relaypipe::fake
