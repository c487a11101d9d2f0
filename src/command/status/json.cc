#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "command/status/fleet.h"
#include "command/status/json.h"
#include "command/status/report.h"
#include "command/wiring/json_text.h"
#include "relay/reply_words.h"

namespace relaypipe {
namespace {

using Json = nlohmann::ordered_json;

/// As in RFC 3339; null where there is no such time.
Json date(const std::optional<WallTime>& time) {
  if (!time || *time == kNever || *time >= kFarFuture) return nullptr;
  std::string text = time_text(*time);
  text[10] = 'T';
  return text.substr(0, 19) + "Z";
}

Json milliseconds(const Average& average) {
  if (average.samples == 0) return nullptr;
  return average.value;
}

Json limits_json(const std::vector<LimitUse>& limits) {
  Json array = Json::array();
  for (const LimitUse& limit : limits) {
    array.push_back({{"limit", limit.text},
                     {"kind", limit.is_rate ? "rate" : "quota"},
                     {"used", limit.used},
                     {"count", limit.count},
                     {"reserved", limit.kept}});
  }
  return array;
}

Json slices_json(const std::vector<SliceUse>& slices) {
  Json array = Json::array();
  for (const SliceUse& slice : slices) {
    array.push_back({{"limit", slice.text},
                     {"left", slice.left},
                     {"fleet_used", slice.fleet},
                     {"count", slice.count},
                     {"until", date(slice.until)}});
  }
  return array;
}

Json store_json(const StoreStatus& store) {
  return {{"url", store.url},
          {"answers", store.asked ? Json(store.answers) : Json(nullptr)},
          {"since", date(store.since)},
          {"words", store.answers ? Json(nullptr) : Json(store.words)}};
}

Json relay_json(const RelayStatus& relay) {
  const Health& health = relay.health;
  const Outage outage = health.outage.value_or(Outage());
  Json json;
  json["relay"] = printable(relay.name);
  json["destination"] = relay.destination.empty() ? Json(nullptr) : Json(printable(relay.destination));
  const bool known = !relay.destination.empty();
  json["protocol"] = known ? Json(relay.https ? "https" : "smtp") : Json(nullptr);
  json["provider"] = relay.provider.empty() ? Json(nullptr) : Json(relay.provider);
  json["gone"] = relay.gone;
  json["state"] = standing_name(relay);
  json["since"] = date(outage.since);
  json["next_try"] = date(outage.until);
  json["suspended_until"] = date(health.suspended_until);
  json["cause"] = health.outage ? Json(cause_name(outage.cause)) : Json(nullptr);
  json["failure"] = health.outage ? Json(outage.words) : Json(nullptr);
  json["failures"] = outage.failures;
  json["today"] = relay.today;
  json["accepted_ever"] = health.successes;
  json["ready_ms"] = milliseconds(health.ready);
  json["accepted_ms"] = milliseconds(health.accepted);
  json["certificate_end"] = date(health.certificate_end);
  json["one_by_one_until"] = date(health.one_by_one_until);
  json["limits"] = limits_json(relay.limits);
  json["slices"] = slices_json(relay.slices);
  json["hosts"] = relay.hosts == 0 ? Json(nullptr) : Json(relay.hosts);
  json["open"] = relay.open;
  json["connections"] = relay.connections == 0 ? Json(nullptr) : Json(relay.connections);
  json["cooling_down_addresses"] = relay.cooling_down;
  return json;
}

Json change_object(const Change& change) {
  const bool down = change.kind == Change::Kind::Down;
  Json json;
  json["change"] = kind_name(change.kind);
  json["at"] = date(change.at);
  json["relay"] = printable(change.relay);
  json["cause"] = change.cause == Cause::Unknown ? Json(nullptr) : Json(cause_name(change.cause));
  json["until"] = down || change.kind == Change::Kind::Suspended ? date(change.until) : Json(nullptr);
  json["words"] = change.words;
  return json;
}

}  // namespace

std::string status_json(const StatusReport& report) {
  Json json;
  json["now"] = date(report.now);
  json["trouble"] = report.trouble.empty() ? Json(nullptr) : Json(printable(report.trouble));
  json["store"] = report.store ? store_json(*report.store) : Json(nullptr);
  json["chains"] = Json::array();
  for (const ChainConfig* const chain : report.chains)
    json["chains"].push_back({{"chain", chain->name}, {"tiers", chain->tiers}, {"fallback", chain->fallback}});
  json["relays"] = Json::array();
  for (const RelayStatus& relay : report.relays)
    json["relays"].push_back(relay_json(relay));
  json["unconfirmed"] = Json::array();
  for (const MessageState& message : report.unconfirmed) {
    json["unconfirmed"].push_back({{"queue_id", message.queue_id},
                                   {"recipient", message.recipient},
                                   {"relay", printable(message.relay)},
                                   {"at", date(message.at)},
                                   {"words", message.words}});
  }
  json["failed"] = Json::array();
  for (const auto& [key, count] : report.counters.failed) {
    json["failed"].push_back({{"relay", printable(key.first)}, {"cause", cause_name(key.second)}, {"count", count}});
  }
  json["deferred"] = Json::array();
  for (const auto& [cause, count] : report.counters.deferred)
    json["deferred"].push_back({{"cause", cause_name(cause)}, {"count", count}});
  return json_text(json);
}

std::string fleet_json(const FleetReport& report) {
  Json json;
  json["store"] = {{"url", report.url},
                   {"answers", report.problem.empty()},
                   {"words", report.problem.empty() ? Json(nullptr) : Json(printable(report.problem))}};
  json["windows"] = Json::array();
  for (const FleetWindow& window : report.windows) {
    Json hosts = Json::array();
    for (const FleetHostUse& host : window.hosts) {
      hosts.push_back({{"host", host.id}, {"name", host.name}, {"left", host.left}, {"seen_ms", host.seen.count()}});
    }
    json["windows"].push_back({{"relay", printable(window.relay)},
                               {"limit", window.limit},
                               {"kind", window.is_rate ? "rate" : "quota"},
                               {"fleet_used", window.used},
                               {"count", window.count},
                               {"last_answer", window.answered ? date(*window.answered) : Json(nullptr)},
                               {"hosts", std::move(hosts)}});
  }
  return json_text(json);
}

std::string change_json(const Change& change) { return json_text(change_object(change), -1); }

std::string changes_json(const std::vector<Change>& changes) {
  Json json;
  json["changes"] = Json::array();
  for (const Change& change : changes)
    json["changes"].push_back(change_object(change));
  return json_text(json);
}

}  // namespace relaypipe
