#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "flow/flow.h"
#include "io/pcre_matcher.h"
#include "route/endpoint_lookup.h"

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
    relay.settings = &settings;
  }
  void begin(std::uint64_t seed = 1) { reach.emplace(relay, self, Random(seed), kStart); }
  /// Everything that is asked is answered at once; what is not in the zone does not exist.
  void answer_all(Instant now = kStart) {
    for (auto queries = reach->take_queries(); !queries.empty(); queries = reach->take_queries()) {
      for (const Query& query : queries) {
        asked.push_back(query.name + " " + std::to_string(static_cast<int>(query.type)));
        const auto it = zone.find({query.type, query.name});
        reach->answer(query, it == zone.end() ? none(missing) : it->second, now);
      }
    }
  }
  void has(const std::string& host, const Strings& v4, const Strings& v6 = {}) {
    if (!v4.empty()) zone[{RecordType::A, host}] = addresses(v4);
    if (!v6.empty()) zone[{RecordType::Aaaa, host}] = addresses(v6);
  }
  /// `host[ip]:port` of every endpoint; or the trouble.
  Strings found(Instant now = kStart) const {
    const auto found = reach->result(now);
    if (!found) return {"(waits)"};
    if (!*found) return {status(found->error())};
    Strings texts;
    for (const Endpoint& e : **found)
      texts.push_back(e.host + "[" + e.address.text() + "]:" + std::to_string(e.port));
    return texts;
  }
  static std::string status(const SessionFailure& why) {
    PcreMatcher matcher;
    const Classification classification = classify({{}, why, {}, {}}, RelayRules{}, matcher);
    CHECK(why.stage == Stage::Resolve);
    return classification.status.text() + (classification.next == Next::Stop ? " stop" : " next");
  }
  Strings run(std::uint64_t seed = 1) {
    begin(seed);
    answer_all();
    return found();
  }

  RelaySettings settings;
  Relay relay;
  OwnHost self{"me.example", {}};
  std::map<std::pair<RecordType, std::string>, Answer> zone;
  LookupStatus missing = LookupStatus::NoData;  ///< of what is not in the zone
  Strings asked;
  std::optional<EndpointLookup> reach;
};

}  // namespace relaypipe::flow
