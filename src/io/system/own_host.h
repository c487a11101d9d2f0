#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "relay/settings.h"
#include "route/endpoint_lookup.h"

namespace relaypipe {

/// The name of this machine (gethostname(2)), with the domain that its files give it; `localhost` where it has none
/// that may stand in an EHLO.
std::string machine_name();

/// The names and addresses of this host for loop detection: the machine's interfaces (as inet_interfaces = all), and
/// those named in the settings (own_addresses, proxy_addresses).
OwnHost own_host(const Settings& settings);

/// The port of a TCP service in the services database.
std::optional<std::uint16_t> service_port(std::string_view name);

}  // namespace relaypipe
