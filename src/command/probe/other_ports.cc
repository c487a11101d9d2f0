#include "command/probe/other_ports.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "http/provider_api.h"

namespace relaypipe {
namespace {

/// As it is written in a configuration.
std::string destination_text(const Destination& was, ProviderPort port) {
  const std::string host = was.literal && was.host.find(':') != std::string::npos ? "ipv6:" + was.host : was.host;
  // Port 465 alone is TLS from the first octet without a word.
  const bool told = port.implicit_tls && port.port != 465;
  return fmt::format("{}[{}]:{}", told ? "smtps:" : "", host, port.port);
}

/// The failure of an attempt that did not even connect, or nullptr.
const SessionFailure* connect_failure(const AddressProbe& address) {
  const auto* const failure = address.failure ? std::get_if<SessionFailure>(&address.failure->what) : nullptr;
  return failure != nullptr && failure->stage == Stage::Connect ? failure : nullptr;
}

bool answers(const OtherPortProbe& other) { return connect_failure(other.address) == nullptr; }

/// The port to take: the first one that would carry mail, else the first one that answers.
const OtherPortProbe* best_port(const RelayProbe& probe) {
  const auto would_work = [](const OtherPortProbe& other) { return !other.address.failure; };
  auto best = std::find_if(probe.other_ports.begin(), probe.other_ports.end(), would_work);
  if (best == probe.other_ports.end()) best = std::find_if(probe.other_ports.begin(), probe.other_ports.end(), answers);
  return best == probe.other_ports.end() ? nullptr : &*best;
}

}  // namespace

std::vector<Relay> at_other_ports(const Relay& relay) {
  const ProviderPorts* const known = find_provider_ports(relay.provider);
  std::vector<Relay> other_ports;
  if (known == nullptr || relay.destination.lookup != Lookup::Address) return other_ports;
  for (const ProviderPort& port : known->ports) {
    if (port.port == relay.destination.port) continue;
    Relay& other = other_ports.emplace_back(relay);
    other.destination.text = destination_text(relay.destination, port);
    other.destination.port = port.port;
    other.destination.implicit_tls = port.implicit_tls;
  }
  return other_ports;
}

std::string other_ports_text(const RelayProbe& probe) {
  if (probe.other_ports.empty() || probe.status() != ProbeStatus::Failed) return {};
  const bool swallowed = std::any_of(probe.addresses.begin(), probe.addresses.end(), [](const AddressProbe& address) {
    const SessionFailure* const failure = connect_failure(address);
    return failure != nullptr && failure->error == SessionError::TimedOut;
  });
  const std::string here =
      fmt::format("{} {} here", probe.relay.destination.port, swallowed ? "swallows packets" : "does not connect");
  if (const OtherPortProbe* const best = best_port(probe)) {
    return fmt::format("{}, {} answers: write destination = \"{}\"", here, best->relay.destination.port,
                       best->relay.destination.text);
  }
  std::vector<std::uint16_t> ports;
  for (const OtherPortProbe& other : probe.other_ports) {
    const std::uint16_t port = other.relay.destination.port;
    if (std::find(ports.begin(), ports.end(), port) == ports.end()) ports.push_back(port);
  }
  std::string all =
      fmt::format("{}, and so it is with the other ports of its provider: {}", here, fmt::join(ports, ", "));
  const ProviderApi* const api = find_provider_api(probe.relay.provider);
  if (api == nullptr) return all;
  return fmt::format("{}; its HTTPS interface may be reached, by destination = \"https:\" and provider = \"{}\"", all,
                     api->provider);
}

std::string better_destination(const RelayProbe& probe) {
  const OtherPortProbe* const best = probe.status() == ProbeStatus::Failed ? best_port(probe) : nullptr;
  return best == nullptr ? std::string() : best->relay.destination.text;
}

}  // namespace relaypipe
