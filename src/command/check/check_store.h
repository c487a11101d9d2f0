#pragma once

#include <optional>
#include <string>

#include "config/configuration.h"

namespace relaypipe {

/// Why the store of the configuration's fleet does not answer what deliveries ask it, a phrase; nothing where it does.
/// In bounded time; nothing is changed there.
std::optional<std::string> store_problem(const FleetConfig& fleet, const RunSettings& settings);

}  // namespace relaypipe
