#include "fake/race_table.h"

#include <chrono>
#include <sstream>
#include <stdexcept>

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

RaceTable::RaceTable(const std::string& nexthop, Settings settings, bool ask)
    : settings_(std::move(settings)), plan_(flow::list_plan(nexthop, settings_, {})), now_(kStart) {
  for (Leg& leg : plan_.legs)
    leg.ask = ask;
  race_.emplace(plan_, settings_, self_, Random(1));
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
    std::string acts = row.event.empty() ? "" : happen(row.event);
    if (!row.event.starts_with("ready")) {
      const std::string more = advance();
      acts += (acts.empty() || more.empty() ? "" : ", ") + more;
    }
    CHECK(acts == row.acts);
  }
}

/// What memory answers, if it is that.
bool RaceTable::history(const std::string& what, std::istringstream& words) {
  if (what != "admit" && what != "postpone" && what != "pass") return false;
  std::size_t leg = 0;
  int until = 0;
  words >> leg >> until;
  --leg;
  if (what == "admit") race_->admitted(leg);
  if (what == "postpone") race_->postponed(leg, kStart + std::chrono::milliseconds(until));
  if (what == "pass") race_->skipped(leg, {}, now_);
  return true;
}

std::string RaceTable::happen(const std::string& event) {
  std::istringstream words(event);
  std::string what;
  std::string name;
  words >> what;
  if (history(what, words)) return {};
  words >> name;
  if (what == "spend") {
    race_->spend_winner(now_);
  } else if (what == "a" || what == "mx") {
    race_->answered({what == "a" ? RecordType::A : RecordType::Mx, name}, what == "a" ? addresses(words) : hosts(words),
                    now_);
  } else if (what == "greets") {
    running_.at(id_of(name)).progress = {Stage::Greeting, now_};
  } else if (what == "ready") {
    const DialId id = id_of(name);
    running_.erase(id);
    return perform(race_->won(id, now_));
  } else {
    const DialId id = id_of(name);
    running_.erase(id);
    const bool tls = what == "breaks-tls";
    race_->failed(
        id, {tls ? Stage::Tls : Stage::Connect, tls ? SessionError::TlsFailed : SessionError::Unconnected, what}, now_);
  }
  return {};
}

std::string RaceTable::advance() {
  return perform(race_->advance(now_, [this](DialId id) { return running_.at(id).progress; }));
}

std::string RaceTable::perform(const std::vector<Race::Act>& acts) {
  std::string text;
  for (const Race::Act& one : acts)
    text += (text.empty() ? "" : ", ") + act(one);
  return text;
}

std::string RaceTable::act(const Race::Act& act) {
  if (const auto* ask = std::get_if<Race::Ask>(&act))
    return std::string("ask ") + type_name(ask->query.type) + " " + ask->query.name;
  if (const auto* dial = std::get_if<Race::Dial>(&act)) {
    const std::string name = short_name(dial->target.peer.ip);
    running_[dial->id] = {name, {}};
    return (dial->target.tls == TlsLevel::None ? "dial-clear " : "dial ") + name;
  }
  if (const auto* admit = std::get_if<Race::Admit>(&act)) return "ask-memory " + std::to_string(admit->leg + 1);
  const DialId id = std::get<Race::GiveUp>(act).id;
  const Running dropped = running_.at(id);
  running_.erase(id);
  race_->given_up(id, dropped.progress, now_);
  return "drop " + dropped.name;
}

DialId RaceTable::id_of(const std::string& name) const {
  for (const auto& [id, running] : running_) {
    if (running.name == name) return id;
  }
  throw std::logic_error("nothing runs to " + name);
}

std::string RaceTable::attempts() {
  std::string text;
  for (const Attempt& attempt : race_->take_attempts()) {
    const auto* unreached = std::get_if<SessionFailure>(&attempt.what);
    const bool passed = std::holds_alternative<Skipped>(attempt.what);
    const auto* superseded = std::get_if<Superseded>(&attempt.what);
    const std::string beaten = superseded != nullptr && superseded->silent ? "silent" : "superseded";
    const std::string what = unreached != nullptr ? unreached->detail : passed ? "passed-over" : beaten;
    text += (text.empty() ? "" : ", ") + what + " " + short_name(passed ? attempt.peer.host : attempt.peer.ip);
  }
  return text;
}

}  // namespace relaypipe::fake
