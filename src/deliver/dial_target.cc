#include "deliver/dial_target.h"

namespace relaypipe {
namespace {

std::string bind_for(const Relay& relay, const IpAddress& address) {
  for (const std::string& own : relay.settings.bind_address) {
    const auto parsed = parse_ip_address(own);
    if (parsed && parsed->v6 == address.v6) return own;
  }
  return {};
}

}  // namespace

DialTarget dial_target(const Relay& relay, const Endpoint& endpoint) {
  const Settings& settings = relay.settings;
  return {{relay.name, endpoint.host, endpoint.address.text(), endpoint.port},
          &relay,
          settings.hostname,
          settings.tls,
          relay.destination.implicit_tls,
          bind_for(relay, endpoint.address),
          settings.limits};
}

Peer unresolved(const Relay& relay) { return {relay.name, relay.destination.host, "", relay.destination.port}; }

}  // namespace relaypipe
