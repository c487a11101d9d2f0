#include "deliver/dial_target.h"

#include "relay/protection.h"

namespace relaypipe {
namespace {

std::string bind_for(const Relay& relay, const IpAddress& address) {
  for (const std::string& own : relay.settings->bind_address) {
    const auto parsed = parse_ip_address(own);
    if (parsed && parsed->v6 == address.v6) return own;
  }
  return {};
}

}  // namespace

DialTarget dial_target(const Relay& relay, const Endpoint& endpoint, bool handshake_failed) {
  const RelaySettings& settings = *relay.settings;
  const std::string ip = endpoint.address.text();
  const ConnectionUse use{endpoint.host, ip, false, handshake_failed};
  return {{relay.name, endpoint.host, ip, endpoint.port},
          &relay,
          settings.hostname,
          tls_policy(relay.destination, settings, use),
          relay.destination.implicit_tls,
          handshake_failed,
          bind_for(relay, endpoint.address),
          settings.limits};
}

Peer unresolved(const Relay& relay) { return {relay.name, relay.destination.host, "", relay.destination.port}; }

}  // namespace relaypipe
