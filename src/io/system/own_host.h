#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "relay/run_settings.h"
#include "route/endpoint_lookup.h"

namespace relaypipe {

/// The name of this machine (gethostname(2)), with the domain that its files give it; `localhost` where it has none
/// that may stand in an EHLO.
std::string machine_name();

/// What tells this machine from others (machine-id(5)); empty where it has none.
std::string machine_id();

/// The names and addresses of this host for loop detection: the machine's interfaces (as inet_interfaces = all), and
/// those named in the settings (own_addresses, proxy_addresses). `name`: as which it says EHLO.
OwnHost own_host(std::string name, const RunSettings& settings);

/// The port of a TCP service in the services database.
std::optional<std::uint16_t> service_port(std::string_view name);

}  // namespace relaypipe
