#include "command/providers/json.h"

#include <nlohmann/json.hpp>

#include "command/wiring/json_text.h"
#include "http/provider_api.h"
#include "relay/provider_ports.h"
#include "relay/reply_words.h"
#include "verdict/answer_rules.h"
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

Json answer_json(const AnswerRow& row) {
  return {{"http_status", row.status},
          {"code", row.code},
          {"match", row.match},
          {"scope", scope_name(row.means.scope)},
          {"cause", cause_name(row.means.cause)},
          {"until", until_text(row.until)},
          {"evidence", row.evidence}};
}

/// The HTTPS interface; null where there is none.
Json interface_json(const Provider& provider) {
  const ProviderApi* const api = find_provider_api(provider.name);
  if (api == nullptr) return nullptr;
  Json json{{"hosts", Json::array({api->host})},
            {"needs", api->needs},
            {"max_size", max_message(*api)},
            {"max_recipients", api->max_recipients},
            {"recipients_in_header", api->recipients_in_header},
            {"takes_null_sender", api->takes_null_sender},
            {"oauth2_scope", api->token_scope},
            {"source", api->source},
            {"answers", Json::array()}};
  for (const std::string_view host : api->other_hosts)
    json["hosts"].push_back(host);
  for (const AnswerRow& row : answer_rows()) {
    if (belongs_to(row, provider.name)) json["answers"].push_back(answer_json(row));
  }
  return json;
}

/// The ports that are known, the one to be taken first at the beginning.
Json ports_json(const Provider& provider) {
  Json array = Json::array();
  if (const ProviderPorts* const known = find_provider_ports(provider.name)) {
    for (const ProviderPort& port : known->ports)
      array.push_back({{"port", port.port}, {"implicit_tls", port.implicit_tls}, {"evidence", known->source}});
  }
  return array;
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
            {"https", interface_json(provider)},
            {"ports", ports_json(provider)},
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
