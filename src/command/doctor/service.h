#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "command/wiring/postfix_tools.h"
#include "command/wiring/request.h"
#include "postfix/judge_entry.h"

namespace relaypipe {

/// What Postfix is asked once, for all services.
struct PostfixSnapshot {
  std::vector<MasterService> services;
  std::vector<PostfixPair> written;    ///< parameters of main.cf, as written
  std::vector<PostfixPair> expanded;   ///< the same with the values of others in their places
  std::vector<PostfixPair> overrides;  ///< `-o` of master.cf, named service/type/parameter, as written
  std::vector<PostfixPair> expanded_overrides;
};

/// A service that runs relaypipe, by pipe(8) or as `relaypipe lmtp` by spawn(8), and the configuration its deliveries
/// would use.
struct AgentService {
  MasterService service;
  PipeCommand command;
  bool lmtp = false;
  CommonArguments arguments;  ///< `--config` and `-o` of its argv, those of the doctor's own command line above them
  std::string fixed_nexthop;  ///< `--nexthop` where it is no macro; empty otherwise
  LoadedConfiguration loaded;

  /// As in its manual page: `pipe(8)`.
  [[nodiscard]] std::string daemon() const { return command.daemon + "(8)"; }
};

/// The command of a service of ours and whether it is that of an LMTP server; nothing where it is another's.
struct AgentCommand {
  PipeCommand command;
  bool lmtp = false;
};
std::optional<AgentCommand> parse_agent_command(const MasterService& service);

/// The services of ours, in the order of master.cf. An argv that relaypipe would refuse is a finding.
std::vector<AgentService> find_agents(const PostfixSnapshot& postfix, const CommonArguments& arguments,
                                      std::vector<PostfixFinding>& findings);

/// The parameters of Postfix that are looked at for the services among these that are ours.
std::vector<std::string> agent_parameters(const std::vector<MasterService>& services);

/// What is wrong with one of them: its line in master.cf, its limits, and what its user may read and write. `clients`:
/// the services of lmtp(8) that hand it messages; none where it takes them from pipe(8), or nobody does.
std::vector<PostfixFinding> examine(const AgentService& agent, const std::set<std::string>& clients,
                                    const PostfixSnapshot& postfix, const PostfixTools& tools);

}  // namespace relaypipe
