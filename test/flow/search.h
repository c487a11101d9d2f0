#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "flow/flow.h"
#include "io/pcre_matcher.h"
#include "route/reach.h"

namespace relaypipe::flow {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

inline Answer none(LookupStatus status) { return {status, "said so", {}, {}, {}}; }
inline Answer mx(std::vector<MxRecord> records) { return {LookupStatus::Ok, "", {}, std::move(records), {}}; }
inline Answer srv(std::vector<SrvRecord> records) { return {LookupStatus::Ok, "", {}, {}, std::move(records)}; }
inline Answer addresses(const Strings& texts) {
  Answer answer{LookupStatus::Ok, "", {}, {}, {}};
  for (const std::string& text : texts)
    answer.addresses.push_back(*parse_ip_address(text));
  return answer;
}

inline const Instant kStart = Instant{} + 1h;

/// One search for a relay with its own little DNS.
struct Search {
  explicit Search(const std::string& nexthop) {
    relay.destination = destinations(nexthop).at(0);
    relay.name = nexthop;
  }
  void begin(std::uint64_t seed = 1) { reach.emplace(relay, self, Random(seed), kStart); }
  /// Everything that is asked is answered at once; what is not in the zone does not exist.
  void answer_all(Instant now = kStart) {
    for (auto questions = reach->take_questions(); !questions.empty(); questions = reach->take_questions()) {
      for (const Question& question : questions) {
        asked.push_back(question.name + " " + std::to_string(static_cast<int>(question.type)));
        const auto it = zone.find({question.type, question.name});
        reach->answer(question, it == zone.end() ? none(missing) : it->second, now);
      }
    }
  }
  void has(const std::string& host, const Strings& v4, const Strings& v6 = {}) {
    if (!v4.empty()) zone[{RecordType::A, host}] = addresses(v4);
    if (!v6.empty()) zone[{RecordType::Aaaa, host}] = addresses(v6);
  }
  /// `host[ip]:port` of every endpoint; or the trouble.
  Strings found(Instant now = kStart) const {
    const auto outcome = reach->outcome(now);
    if (!outcome) return {"(waits)"};
    if (!*outcome) return {status(outcome->error())};
    Strings texts;
    for (const Endpoint& e : **outcome)
      texts.push_back(e.host + "[" + e.address.text() + "]:" + std::to_string(e.port));
    return texts;
  }
  static std::string status(const Unreached& why) {
    PcreMatcher matcher;
    const Judgement judgement = classify({{}, why, {}, {}}, RelayRules{}, matcher);
    CHECK(why.stage == Stage::Resolve);
    return judgement.status.text() + (judgement.next == Next::Stop ? " stop" : " next");
  }
  Strings run(std::uint64_t seed = 1) {
    begin(seed);
    answer_all();
    return found();
  }

  Relay relay;
  OwnHost self{"me.example", {}};
  std::map<std::pair<RecordType, std::string>, Answer> zone;
  LookupStatus missing = LookupStatus::NoData;  ///< of what is not in the zone
  Strings asked;
  std::optional<Reach> reach;
};

}  // namespace relaypipe::flow
