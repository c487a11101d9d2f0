#pragma once

#include <vector>

#include "command/doctor/service.h"

namespace relaypipe {

/// What is wrong with the ways of Postfix's that lead to our services: parameters, their tables, the relays behind
/// them.
std::vector<PostfixFinding> examine_routes(const std::vector<AgentService>& agents, const PostfixSnapshot& postfix,
                                           const PostfixTools& tools);

/// The parameters that name a transport, alone or in tables.
std::vector<std::string> route_parameters();

}  // namespace relaypipe
