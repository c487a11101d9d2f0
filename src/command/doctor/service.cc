#include "command/doctor/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "command/arguments.h"
#include "command/doctor/user.h"
#include "config/setting_keys.h"
#include "io/system/user_view.h"
#include "postfix/agent_argv.h"
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

ServiceFacts gather(const AgentService& agent, const PostfixSnapshot& postfix, const PostfixTools& tools) {
  ServiceFacts facts;
  const std::string& name = agent.service.name;
  const std::string key = agent.service.key() + "/";
  facts.postconf = tools.postconf();
  facts.compatibility = compatibility(postfix.expanded);
  facts.deadline = agent.loaded.configuration.settings.deadline;
  const std::string limit = name + "_destination_recipient_limit";
  if (!value_of(postfix.expanded_overrides, "qmgr/unix/" + limit).empty()) facts.recipient_limit_holder = "qmgr/unix";
  facts.recipient_limit = facts.recipient_limit_holder.empty()
                              ? value_of(postfix.expanded, limit)
                              : value_of(postfix.expanded_overrides, "qmgr/unix/" + limit);
  const std::string time = name + "_time_limit";
  facts.time_limit = first_value(postfix.expanded_overrides, {key + time});
  if (facts.time_limit.empty()) facts.time_limit = value_of(postfix.expanded, time);
  const std::string filter = "pipe_delivery_status_filter";
  std::string expanded = value_of(postfix.expanded_overrides, key + filter);
  facts.filter = value_of(postfix.overrides, key + filter);
  if (expanded.empty()) {
    expanded = value_of(postfix.expanded, filter);
    facts.filter = expanded.empty() ? "" : value_of(postfix.written, filter);
  }
  const Configuration& configuration = agent.loaded.configuration;
  if (agent.loaded.own_name) facts.ehlo_name = configuration.settings.hostname;
  facts.postfix_name = first_value(postfix.expanded_overrides, {"smtp/unix/smtp_helo_name", "smtp/unix/myhostname"});
  if (facts.postfix_name.empty()) facts.postfix_name = first_value(postfix.expanded, {"smtp_helo_name", "myhostname"});
  facts.failures_deferred = softens(tools, expanded);
  for (const PostfixPair& pair : postfix.overrides) {
    if (!pair.name.starts_with(key)) continue;
    const std::string setting = pair.name.substr(key.size());
    if (find_setting(setting) != nullptr) facts.misplaced.push_back({setting, pair.value});
  }
  if (auto user = find_pipe_user(agent.command.attribute("user").value_or(""))) facts.user = *std::move(user);
  const auto owner =
      find_postfix_owner(value_of(postfix.expanded, "mail_owner"), value_of(postfix.expanded, "setgid_group"));
  if (owner) facts.owner = *owner;
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

AgentService load_agent(const MasterService& service, PipeCommand command, const CommonArguments& arguments,
                        std::vector<PostfixFinding>& findings) {
  AgentService agent{service, std::move(command), {}, "", {}};
  if (const auto own = parse_arguments(words_of(agent.command)); !own) {
    findings.push_back(
        {PostfixFinding::Severity::Error, service.key(), "argv is refused, and all mail deferred: " + own.error(), ""});
  }
  take_argv(agent);
  if (arguments.config) agent.arguments.config = arguments.config;
  agent.arguments.settings.insert(agent.arguments.settings.end(), arguments.settings.begin(), arguments.settings.end());
  // Only the user, as whom it is read again later, knows whose file it may trust.
  agent.loaded = load(agent.arguments, ConfigOwners::Any);
  return agent;
}

}  // namespace

std::vector<AgentService> find_agents(const PostfixSnapshot& postfix, const CommonArguments& arguments,
                                      std::vector<PostfixFinding>& findings) {
  std::vector<AgentService> agents;
  for (const MasterService& service : postfix.services) {
    auto command = parse_pipe_command(service);
    if (!command || !runs_relaypipe(*command)) continue;
    agents.push_back(load_agent(service, *std::move(command), arguments, findings));
  }
  return agents;
}

std::vector<PostfixFinding> examine(const AgentService& agent, const PostfixSnapshot& postfix,
                                    const PostfixTools& tools) {
  const ServiceFacts facts = gather(agent, postfix, tools);
  std::vector<PostfixFinding> findings = judge_service(agent.service, agent.command, facts);
  if (!facts.user) return findings;
  const std::vector<PostfixFinding> seen = examine_as(*facts.user, agent, tools.postconf());
  findings.insert(findings.end(), seen.begin(), seen.end());
  return findings;
}

}  // namespace relaypipe
