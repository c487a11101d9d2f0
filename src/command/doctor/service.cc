#include "command/doctor/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "command/arguments.h"
#include "command/doctor/user.h"
#include "command/lmtp/limits.h"
#include "command/lmtp/lmtp.h"
#include "config/check_chains.h"
#include "config/setting_keys.h"
#include "io/system/user_view.h"
#include "postfix/agent_argv.h"
#include "postfix/judge_lmtp.h"
#include "postfix/judge_service.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

/// The first of these that is set decides.
std::string first_value(const std::vector<PostfixPair>& pairs, std::initializer_list<std::string> names) {
  for (const std::string& name : names) {
    if (std::string value = value_of(pairs, name); !value.empty()) return value;
  }
  return "";
}

/// Whether the filter turns what would bounce into a deferral. The first table that has the text decides.
bool softens(const PostfixTools& tools, const std::string& filter) {
  constexpr std::array<const char*, 2> kDeaths = {"5.3.0 Command died with status 127: \"relaypipe\"",
                                                  "5.3.0 Command time limit exceeded: \"relaypipe\""};
  const std::vector<PostfixTable> tables = parse_postfix_tables(filter);
  return std::all_of(kDeaths.begin(), kDeaths.end(), [&](const char* death) {
    for (const PostfixTable& table : tables) {
      if (const auto found = tools.find(table.text, death)) return found->starts_with('4');
    }
    return false;
  });
}

std::uint64_t compatibility(const std::vector<PostfixPair>& parameters) {
  const std::string level = value_of(parameters, "compatibility_level");
  const auto number = parse_count(level.substr(0, level.find('.')), 0, 1000);
  return number ? *number : 0;
}

/// What is to be known of either kind.
void gather_entry(EntryFacts& facts, const AgentService& agent, const PostfixSnapshot& postfix,
                  const PostfixTools& tools) {
  const std::string key = agent.service.key() + "/";
  const Configuration& configuration = agent.loaded.configuration;
  facts.postconf = tools.postconf();
  facts.compatibility = compatibility(postfix.expanded);
  const Duration deadline = configuration.run.deadline;
  facts.deadline = agent.lmtp ? std::min(deadline, kLongestLmtpDelivery) : deadline;
  const std::string time = agent.service.name + "_time_limit";
  facts.time_limit = first_value(postfix.expanded_overrides, {key + time});
  if (facts.time_limit.empty()) facts.time_limit = value_of(postfix.expanded, time);
  if (agent.loaded.own_name) facts.ehlo_name = configuration.relay_defaults.hostname;
  facts.postfix_name = first_value(postfix.expanded_overrides, {"smtp/unix/smtp_helo_name", "smtp/unix/myhostname"});
  if (facts.postfix_name.empty()) facts.postfix_name = first_value(postfix.expanded, {"smtp_helo_name", "myhostname"});
  for (const PostfixPair& pair : postfix.overrides) {
    if (!pair.name.starts_with(key)) continue;
    const std::string setting = pair.name.substr(key.size());
    if (find_setting(setting) != nullptr) facts.misplaced.push_back({setting, pair.value});
  }
  if (auto user = find_pipe_user(agent.command.attribute("user").value_or(""))) facts.user = *std::move(user);
  const auto owner =
      find_postfix_owner(value_of(postfix.expanded, "mail_owner"), value_of(postfix.expanded, "setgid_group"));
  if (owner) facts.owner = *owner;
}

ServiceFacts gather_pipe(const AgentService& agent, const PostfixSnapshot& postfix, const PostfixTools& tools) {
  ServiceFacts facts;
  gather_entry(facts, agent, postfix, tools);
  const std::string limit = agent.service.name + "_destination_recipient_limit";
  if (!value_of(postfix.expanded_overrides, "qmgr/unix/" + limit).empty()) facts.recipient_limit_holder = "qmgr/unix";
  facts.recipient_limit = facts.recipient_limit_holder.empty()
                              ? value_of(postfix.expanded, limit)
                              : value_of(postfix.expanded_overrides, "qmgr/unix/" + limit);
  const HeaderRelays by_header = find_header_relays(agent.loaded.configuration);
  facts.header_relays = by_header.any;
  facts.header_chain = by_header.chain;
  const std::string filter = "pipe_delivery_status_filter";
  const std::string own = agent.service.key() + "/" + filter;
  std::string expanded = value_of(postfix.expanded_overrides, own);
  facts.filter = value_of(postfix.overrides, own);
  if (expanded.empty()) {
    expanded = value_of(postfix.expanded, filter);
    facts.filter = expanded.empty() ? "" : value_of(postfix.written, filter);
  }
  facts.failures_deferred = softens(tools, expanded);
  return facts;
}

LmtpFacts gather_lmtp(const AgentService& agent, const std::string& client, const PostfixSnapshot& postfix,
                      const PostfixTools& tools) {
  LmtpFacts facts;
  gather_entry(facts, agent, postfix, tools);
  facts.longest_use = kLongestLmtpUse;
  facts.process_limit = value_of(postfix.expanded, "default_process_limit");
  facts.client = client;
  for (const std::string& name : lmtp_parameters(client)) {
    // The limits of a destination are the queue manager's.
    const std::string holder = name.starts_with(client + "_destination_") ? "qmgr/unix" : client + "/unix";
    const std::string override_name = fmt::format("{}/{}", holder, name);
    const auto own = std::find_if(postfix.expanded_overrides.begin(), postfix.expanded_overrides.end(),
                                  [&](const PostfixPair& pair) { return pair.name == override_name; });
    const bool overridden = own != postfix.expanded_overrides.end();
    facts.values.push_back({name, overridden ? own->value : value_of(postfix.expanded, name)});
    // A service that somebody made for us leaves those of mailbox servers as they are.
    if (overridden || (client != "lmtp" && holder != "qmgr/unix")) facts.holders.push_back({name, holder});
  }
  return facts;
}

/// argv as relaypipe gets it, but for what the macros stand for.
std::vector<std::string> words_of(const PipeCommand& command) {
  std::vector<std::string> words;
  for (std::size_t i = 1; i < command.argv.size(); ++i)
    words.push_back(without_braces(command.argv[i]));
  return words;
}

/// What of argv decides beside the envelope, also where something else in it is wrong.
void take_argv(AgentService& agent) {
  for (const AgentArgv::Option& option : parse_agent_argv(agent.command.argv).options) {
    const std::string value = without_braces(option.value);
    if (option.name == "--config") agent.arguments.config = value;
    if (option.name == "-o" && value != "i") agent.arguments.settings.push_back(value);
    if (option.name == "--deadline") agent.arguments.settings.push_back("deadline=" + value);
    if (option.name == "--nexthop") agent.fixed_nexthop = value.find('$') == value.npos ? value : "";
  }
}

/// Why relaypipe would refuse its argv.
std::optional<std::string> argv_mistake(const AgentService& agent) {
  std::vector<std::string> words = words_of(agent.command);
  if (agent.lmtp) return lmtp_argv_mistake({words.begin() + 1, words.end()});
  const auto own = parse_arguments(words);
  return own ? std::nullopt : std::optional(own.error());
}

AgentService load_agent(const MasterService& service, AgentCommand command, const CommonArguments& arguments,
                        std::vector<PostfixFinding>& findings) {
  AgentService agent{service, std::move(command.command), command.lmtp, {}, "", {}};
  if (const auto mistake = argv_mistake(agent)) {
    findings.push_back(
        {PostfixFinding::Severity::Error, service.key(), "argv is refused, and all mail deferred: " + *mistake, ""});
  }
  take_argv(agent);
  if (arguments.config) agent.arguments.config = arguments.config;
  agent.arguments.settings.insert(agent.arguments.settings.end(), arguments.settings.begin(), arguments.settings.end());
  // Only the user, as whom it is read again later, knows whose file it may trust.
  agent.loaded = load(agent.arguments, ConfigOwners::Any);
  return agent;
}

}  // namespace

std::optional<AgentCommand> parse_agent_command(const MasterService& service) {
  if (auto command = parse_pipe_command(service); command && runs_relaypipe(*command))
    return AgentCommand{*std::move(command), false};
  if (auto command = parse_spawn_command(service); command && runs_lmtp(*command))
    return AgentCommand{*std::move(command), true};
  return std::nullopt;
}

std::vector<AgentService> find_agents(const PostfixSnapshot& postfix, const CommonArguments& arguments,
                                      std::vector<PostfixFinding>& findings) {
  std::vector<AgentService> agents;
  for (const MasterService& service : postfix.services) {
    if (auto command = parse_agent_command(service))
      agents.push_back(load_agent(service, *std::move(command), arguments, findings));
  }
  return agents;
}

std::vector<std::string> agent_parameters(const std::vector<MasterService>& services) {
  std::vector<std::string> names{"config_directory", "compatibility_level",         "mail_owner",
                                 "setgid_group",     "pipe_delivery_status_filter", "smtp_helo_name",
                                 "myhostname",       "default_process_limit",       "queue_directory"};
  bool lmtp = false;
  for (const MasterService& service : services) {
    const auto command = parse_agent_command(service);
    if (!command) continue;
    lmtp = lmtp || command->lmtp;
    names.push_back(service.name + "_destination_recipient_limit");
    names.push_back(service.name + "_time_limit");
  }
  for (const MasterService& service : services) {
    if (!lmtp || service.type != "unix" || service.command.front() != "lmtp") continue;
    const std::vector<std::string> more = lmtp_parameters(service.name);
    names.insert(names.end(), more.begin(), more.end());
  }
  return names;
}

std::vector<PostfixFinding> examine(const AgentService& agent, const std::set<std::string>& clients,
                                    const PostfixSnapshot& postfix, const PostfixTools& tools) {
  std::vector<PostfixFinding> findings;
  const auto append = [&](const std::vector<PostfixFinding>& more) {
    findings.insert(findings.end(), more.begin(), more.end());
  };
  if (!agent.lmtp) append(judge_service(agent.service, agent.command, gather_pipe(agent, postfix, tools)));
  for (const std::string& client : agent.lmtp&& clients.empty() ? std::set<std::string>{"lmtp"} : clients)
    append(judge_lmtp_service(agent.service, agent.command, gather_lmtp(agent, client, postfix, tools)));
  const auto user = find_pipe_user(agent.command.attribute("user").value_or(""));
  if (user) append(examine_as(*user, agent, tools.postconf()));
  return findings;
}

}  // namespace relaypipe
