#pragma once

#include <string>
#include <vector>

#include "command/wiring/postfix_tools.h"
#include "command/wiring/request.h"
#include "postfix/judge_service.h"

namespace relaypipe {

/// What Postfix is asked once, for all services.
struct PostfixSnapshot {
  std::vector<MasterService> services;
  std::vector<PostfixPair> written;    ///< parameters of main.cf, as written
  std::vector<PostfixPair> expanded;   ///< the same with the values of others in their places
  std::vector<PostfixPair> overrides;  ///< `-o` of master.cf, named service/type/parameter, as written
  std::vector<PostfixPair> expanded_overrides;
};

/// A pipe(8) service that runs relaypipe, and the configuration its deliveries would use.
struct AgentService {
  MasterService service;
  PipeCommand command;
  CommonArguments arguments;  ///< `--config` and `-o` of its argv, those of the doctor's own command line above them
  std::string fixed_nexthop;  ///< `--nexthop` where it is no macro; empty otherwise
  LoadedConfiguration loaded;
};

/// The services of ours, in the order of master.cf. An argv that relaypipe would refuse is a finding.
std::vector<AgentService> find_agents(const PostfixSnapshot& postfix, const CommonArguments& arguments,
                                      std::vector<PostfixFinding>& findings);

/// What is wrong with one of them: its line in master.cf, its limits, and what its user may read and write.
std::vector<PostfixFinding> examine(const AgentService& agent, const PostfixSnapshot& postfix,
                                    const PostfixTools& tools);

}  // namespace relaypipe
