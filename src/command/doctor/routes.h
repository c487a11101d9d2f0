#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "command/doctor/service.h"

namespace relaypipe {

/// The ways of Postfix's that lead to our services: parameters, their tables, the relays behind them.
struct RoutesSeen {
  std::vector<PostfixFinding> findings;  ///< what is wrong with them
  /// The services of lmtp(8) that hand messages to those of ours, by the keys of ours (`relaypipe-lmtp/unix`).
  std::map<std::string, std::set<std::string>> clients;
};
RoutesSeen examine_routes(const std::vector<AgentService>& agents, const PostfixSnapshot& postfix,
                          const PostfixTools& tools);

/// The parameters that name a transport, alone or in tables.
std::vector<std::string> route_parameters();

}  // namespace relaypipe
