#include "command/probe/json.h"

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "command/probe/other_ports.h"
#include "command/probe/report.h"
#include "command/wiring/json_text.h"
#include "io/pcre_matcher.h"
#include "verdict/classify.h"

namespace relaypipe {
namespace {

// Fields keep the order in which they are written; texts from elsewhere may hold any octets.
using Json = nlohmann::ordered_json;

std::string_view json_word(ProbeStatus status) {
  switch (status) {
    case ProbeStatus::Fine: return "ok";
    case ProbeStatus::Warning: return "warning";
    case ProbeStatus::Failed: break;
  }
  return "failed";
}

double milliseconds(Duration span) {
  using Tenths = std::chrono::duration<std::int64_t, std::ratio<1, 10000>>;
  return static_cast<double>(std::chrono::round<Tenths>(span).count()) / 10;
}

void add_failure(Json& json, const Attempt& attempt, const Relay& relay) {
  PcreMatcher patterns;
  if (const auto* const unreached = std::get_if<SessionFailure>(&attempt.what)) json["stage"] = name(unreached->stage);
  json["dsn"] = classify(attempt, rules_of(relay), patterns).status.text();
  json["failure"] = describe(attempt);
}

Json tls_json(const TlsReport& tls, std::int64_t now) {
  return {{"version", tls.version},        {"cipher", tls.cipher},       {"names", tls.names},
          {"issuer", tls.issuer},          {"not_after", tls.not_after}, {"days_left", days_left(tls, now)},
          {"fingerprint", tls.fingerprint}};
}

Json address_json(const RelayProbe& relay, const AddressProbe& address, std::int64_t now) {
  Json json{{"host", address.peer.host},
            {"ip", address.peer.ip},
            {"port", address.peer.port},
            {"status", json_word(address.status())}};
  if (address.failure) add_failure(json, *address.failure, relay.relay);
  json["warnings"] = address.warnings;
  json["total_ms"] = milliseconds(address.total);
  json["ms"] = Json::object();
  for (const auto& [stage, took] : address.steps)
    json["ms"][std::string(name(stage))] = milliseconds(took);
  json["greeting"] = address.greeting;
  json["tls"] = address.tls ? tls_json(*address.tls, now) : Json(nullptr);
  json["extensions"] = address.offers;
  json["auth"] = auth_of(relay, address);
  json["auth_mechanism"] = address.facts.sasl_mechanism;
  json["auth_username"] = address.facts.sasl_username;
  if (!address.account.empty()) json["account"] = address.account;
  if (!address.mail.empty()) json["mail"] = address.mail;
  if (!address.rcpt.empty()) json["rcpt"] = address.rcpt;
  return json;
}

Json other_port_json(const OtherPortProbe& other) {
  Json json{{"ip", other.address.peer.ip},
            {"port", other.address.peer.port},
            {"implicit_tls", other.relay.destination.implicit_tls},
            {"status", json_word(other.address.status())}};
  if (other.address.failure) add_failure(json, *other.address.failure, other.relay);
  return json;
}

}  // namespace

std::string probe_json(const std::vector<RelayProbe>& probes, std::int64_t now) {
  Json json{{"relays", Json::array()}};
  for (const RelayProbe& probe : probes) {
    Json relay{{"relay", probe.relay.name},
               {"destination", probe.relay.destination.text},
               {"status", json_word(probe.status())},
               {"lookup_ms", milliseconds(probe.lookup)}};
    if (probe.unresolved) add_failure(relay, *probe.unresolved, probe.relay);
    relay["addresses"] = Json::array();
    for (const AddressProbe& address : probe.addresses)
      relay["addresses"].push_back(address_json(probe, address, now));
    relay["other_ports"] = Json::array();
    for (const OtherPortProbe& other : probe.other_ports)
      relay["other_ports"].push_back(other_port_json(other));
    const std::string better = better_destination(probe);
    relay["suggested_destination"] = better.empty() ? Json(nullptr) : Json(better);
    json["relays"].push_back(std::move(relay));
  }
  return json_text(json);
}

}  // namespace relaypipe
