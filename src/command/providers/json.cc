#include "command/providers/json.h"

#include <nlohmann/json.hpp>

#include "command/wiring/json_text.h"
#include "relay/reply_words.h"
#include "verdict/reply_rules.h"

namespace relaypipe {
namespace {

using Json = nlohmann::ordered_json;

Json row_json(const ReplyRow& row) {
  return {{"stage", row.stages},
          {"code", row.code},
          {"status", row.status},
          {"match", row.match},
          {"scope", scope_name(row.means.scope)},
          {"cause", cause_name(row.means.cause)},
          {"until", until_text(row.until)},
          {"evidence", row.evidence}};
}

Json provider_json(const Provider& provider) {
  Json json{{"name", provider.name},
            {"title", provider.title},
            {"hosts", Json::array()},
            {"rate", provider.rate},
            {"quota", provider.quota},
            {"connections", provider.connections},
            {"token_endpoint", provider.token_endpoint},
            {"device_endpoint", provider.device_endpoint},
            {"oauth2_scope", provider.scope},
            {"source", provider.source},
            {"replies", Json::array()}};
  for (const std::string_view host : provider.hosts)
    json["hosts"].push_back(host);
  for (const ReplyRow& row : provider_rows()) {
    if (belongs_to(row, provider.name)) json["replies"].push_back(row_json(row));
  }
  return json;
}

}  // namespace

std::string providers_json(const Provider* provider) {
  if (provider != nullptr) return json_text(provider_json(*provider));
  Json json{{"providers", Json::array()}};
  for (const Provider& one : providers())
    json["providers"].push_back(provider_json(one));
  return json_text(json);
}

}  // namespace relaypipe
