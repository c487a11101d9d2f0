#include "fake/race_table.h"

#include <chrono>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "catch.h"
#include "flow/flow.h"

namespace relaypipe::fake {
namespace {

const Instant kStart = Instant{} + std::chrono::hours(1);

std::string short_name(const std::string& ip) { return ip.substr(ip.find_last_of(".:") + 1); }

const char* type_name(RecordType type) {
  switch (type) {
    case RecordType::A: return "a";
    case RecordType::Aaaa: return "aaaa";
    case RecordType::Mx: return "mx";
    case RecordType::Srv: break;
  }
  return "srv";
}

Answer addresses(std::istringstream& words) {
  Answer answer{LookupStatus::NoData, "", {}, {}, {}};
  for (std::string word; words >> word; answer.status = LookupStatus::Ok)
    answer.addresses.push_back(*parse_ip_address("192.0.2." + word));
  return answer;
}

Answer hosts(std::istringstream& words) {
  Answer answer{LookupStatus::Ok, "", {}, {}, {}};
  for (std::string word; words >> word;) {
    const std::size_t colon = word.find(':');
    answer.mx.push_back({static_cast<std::uint16_t>(std::stoi(word.substr(colon + 1))), word.substr(0, colon)});
  }
  return answer;
}

}  // namespace

RaceTable::RaceTable(const std::string& nexthop, RelaySettings settings, RunSettings run, bool ask)
    : settings_(std::move(settings)),
      run_(std::move(run)),
      plan_(flow::list_plan(nexthop, settings_, {})),
      now_(kStart) {
  for (Leg& leg : plan_.legs)
    leg.ask = ask;
  race_.emplace(plan_, run_, self_, Random(1));
}

void RaceTable::play(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.ms, row.event);
    const Instant when = kStart + std::chrono::milliseconds(row.ms);
    const Instant wake = race_->wake(now_);
    const bool first = when == kStart && row.event.empty();
    CHECK(wake > now_);
    // A time at which the race may have something to do is never slept through.
    if (!first && row.event.empty()) CHECK(wake == when);
    if (!row.event.empty()) CHECK(wake >= when);
    now_ = when;
    if (!row.event.empty()) happen(row.event);
    CHECK(perform() == row.acts);
  }
}

/// What memory answers, if it is that.
bool RaceTable::history(const std::string& what, std::istringstream& words) {
  if (what != "admit" && what != "postpone" && what != "pass") return false;
  std::size_t leg = 0;
  int until = 0;
  words >> leg >> until;
  --leg;
  if (what == "admit") race_->on(race::Admitted{leg}, now_);
  if (what == "postpone") race_->on(race::Postponed{leg, kStart + std::chrono::milliseconds(until)}, now_);
  if (what == "pass") race_->on(race::NotAdmitted{leg, {}}, now_);
  return true;
}

void RaceTable::happen(const std::string& event) {
  std::istringstream words(event);
  std::string what;
  std::string name;
  words >> what;
  if (history(what, words)) return;
  words >> name;
  if (what == "spend") return race_->on(race::Spent{}, now_);
  if (what == "a") return race_->on(race::Answered{{RecordType::A, name}, addresses(words)}, now_);
  if (what == "mx") return race_->on(race::Answered{{RecordType::Mx, name}, hosts(words)}, now_);
  const DialId id = id_of(name);
  if (what == "greets") return race_->on(race::Progressed{id, {Stage::Greeting, now_}}, now_);
  running_.erase(id);
  if (what == "ready") return race_->on(race::Ready{id}, now_);
  const bool tls = what == "breaks-tls";
  const SessionFailure why{tls ? Stage::Tls : Stage::Connect, tls ? SessionError::TlsFailed : SessionError::Unconnected,
                           what};
  race_->on(race::Failed{id, why}, now_);
}

/// What the race wants done now, joined by commas; what it reports is kept for attempts().
std::string RaceTable::perform() {
  std::string text;
  for (auto actions = race_->advance(now_); !actions.empty(); actions = race_->advance(now_)) {
    for (const race::Action& action : actions) {
      const std::string one = act(action);
      text += (text.empty() || one.empty() ? "" : ", ") + one;
    }
  }
  return text;
}

std::string RaceTable::act(const race::Action& action) {
  if (const auto* report = std::get_if<race::Report>(&action)) {
    attempts_.push_back(report->attempt);
    return {};
  }
  if (const auto* ask = std::get_if<race::Ask>(&action))
    return std::string("ask ") + type_name(ask->query.type) + " " + ask->query.name;
  if (const auto* dial = std::get_if<race::Dial>(&action)) {
    const std::string name = short_name(dial->target.peer.ip);
    running_[dial->id] = name;
    return (dial->target.tls == TlsLevel::None ? "dial-clear " : "dial ") + name;
  }
  if (const auto* admit = std::get_if<race::Admit>(&action)) return "ask-memory " + std::to_string(admit->leg + 1);
  const DialId id = std::get<race::GiveUp>(action).id;
  const std::string dropped = running_.at(id);
  running_.erase(id);
  return "drop " + dropped;
}

DialId RaceTable::id_of(const std::string& name) const {
  for (const auto& [id, running] : running_) {
    if (running == name) return id;
  }
  throw std::logic_error("nothing runs to " + name);
}

std::string RaceTable::attempts() {
  std::string text;
  for (const Attempt& attempt : std::exchange(attempts_, {})) {
    const auto* unreached = std::get_if<SessionFailure>(&attempt.what);
    const bool passed = std::holds_alternative<Skipped>(attempt.what);
    const auto* superseded = std::get_if<Superseded>(&attempt.what);
    const std::string beaten = superseded != nullptr && superseded->silent ? "silent" : "superseded";
    const std::string what = unreached != nullptr ? unreached->detail : passed ? "skipped" : beaten;
    text += (text.empty() ? "" : ", ") + what + " " + short_name(passed ? attempt.peer.host : attempt.peer.ip);
  }
  return text;
}

}  // namespace relaypipe::fake
