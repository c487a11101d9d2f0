#include "command/plan/json.h"

#include <nlohmann/json.hpp>

#include "command/wiring/json_text.h"

namespace relaypipe {
namespace {

// Fields keep the order in which they are written; texts from elsewhere may hold any octets.
using Json = nlohmann::ordered_json;

Json limits_json(const std::vector<LimitRule>& rules) {
  Json array = Json::array();
  for (const LimitRule& rule : rules) {
    array.push_back({{"limit", rule.text},
                     {"kind", rule.is_rate ? "rate" : "quota"},
                     {"count", rule.count},
                     {"published", rule.published()}});
  }
  return array;
}

Json reserve_json(const ReserveRule& reserve) {
  if (reserve.percent == 0) return nullptr;
  Json senders = Json::array();
  for (const AddressPattern& pattern : reserve.senders)
    senders.push_back(pattern.written());
  return {{"percent", reserve.percent}, {"for", std::move(senders)}};
}

/// What an address of the sender becomes; null where it stays.
Json rewritten_json(const AddressRewriting& rewriting, const Leg& leg, const Address& sender) {
  const auto changed = rewritten(rewriting, sender, leg.relay.settings->recipient_delimiter);
  return changed ? Json(changed->text()) : Json(nullptr);
}

Json leg_json(const Leg& leg, std::size_t position, const Address& sender) {
  const Destination& destination = leg.relay.destination;
  Json json{{"position", position},     {"relay", leg.relay.name},  {"destination", destination.text},
            {"host", destination.host}, {"port", destination.port}, {"tier", leg.tier},
            {"fallback", leg.fallback}, {"reason", leg.reason}};
  json["protocol"] = destination.https ? "https" : "smtp";
  json["provider"] = leg.relay.provider.empty() ? Json(nullptr) : Json(leg.relay.provider);
  const Limits& limits = leg.relay.limits;
  json["limits"] = limits_json(limits.rules);
  json["connections"] = limits.connections == 0 ? Json(nullptr) : Json(limits.connections);
  json["reserve"] = reserve_json(limits.reserve);
  json["envelope_sender"] = rewritten_json(leg.relay.rewriting.envelope_sender, leg, sender);
  json["header_from"] = rewritten_json(leg.relay.rewriting.header_from, leg, sender);
  return json;
}

}  // namespace

std::string plan_json(const RoutePlan& plan, const std::vector<Resolved>& resolved, const Envelope& envelope,
                      const std::string& policy) {
  Json json{{"chain", plan.chain},
            {"steps", plan.steps},
            {"policy", policy},
            {"legs", Json::array()},
            {"skipped", Json::array()}};
  for (std::size_t i = 0; i < plan.legs.size(); ++i) {
    Json leg = leg_json(plan.legs[i], i + 1, envelope.sender);
    if (i < resolved.size()) {
      leg["addresses"] = resolved[i].addresses;
      if (!resolved[i].failure.empty()) leg["failure"] = resolved[i].failure;
    }
    json["legs"].push_back(std::move(leg));
  }
  for (const SkippedRelay& skipped : plan.skipped) {
    json["skipped"].push_back({{"relay", skipped.relay}, {"reason", skipped.reason}});
  }
  return json_text(json);
}

}  // namespace relaypipe
