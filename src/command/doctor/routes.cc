#include "command/doctor/routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/printable.h"
#include "config/check_reach.h"
#include "config/nexthop.h"
#include "io/system/own_host.h"
#include "postfix/judge_route.h"

namespace relaypipe {
namespace {

using Severity = PostfixFinding::Severity;

/// Of one table that is wrong from top to bottom a few lines tell enough.
constexpr std::size_t kMostOfATable = 10;

constexpr std::array<std::string_view, 5> kParameters = {"default_transport", "relay_transport", "local_transport",
                                                         "virtual_transport", "content_filter"};
constexpr std::array<std::string_view, 2> kTables = {"transport_maps", "sender_dependent_default_transport_maps"};

/// Below the queue directory.
std::string socket_path(const MasterService& service) {
  return (service.is_private == "n" ? "public/" : "private/") + service.name;
}

/// What Postfix calls the way to a service that speaks LMTP.
std::string transport_to(const MasterService& service) {
  return service.type == "unix" ? "lmtp:unix:" + socket_path(service) : "lmtp:inet:" + service.name;
}

class RouteFinder {
 public:
  RouteFinder(const std::vector<AgentService>& agents, const PostfixSnapshot& postfix, const PostfixTools& tools)
      : agents_(agents), postfix_(postfix), tools_(tools) {}

  RoutesSeen examine() {
    for (const std::string_view name : kParameters)
      take_parameter(value_of(postfix_.expanded, name), std::string(name), "-e");
    for (const std::string_view name : kTables)
      take_tables(std::string(name), value_of(postfix_.expanded, name));
    // master.cf: smtpd -o content_filter=relaypipe:outbound
    for (const PostfixPair& pair : postfix_.expanded_overrides) {
      const std::string name = pair.name.substr(pair.name.rfind('/') + 1);
      if (std::find(kParameters.begin(), kParameters.end(), name) != kParameters.end())
        take_parameter(pair.value, pair.name, "-P");
      if (std::find(kTables.begin(), kTables.end(), name) != kTables.end()) take_tables(pair.name, pair.value);
    }
    for (const AgentService& agent : agents_)
      finish(agent);
    return {std::move(findings_), std::move(clients_)};
  }

 private:
  /// The service of ours that a way leads to: by the name of a transport, or by the socket that lmtp(8) connects to.
  [[nodiscard]] const AgentService* agent(const PostfixRoute& route) const {
    const auto found = std::find_if(agents_.begin(), agents_.end(), [&](const AgentService& each) {
      return each.lmtp ? leads_to_socket(route, each.service) : each.service.name == route.service;
    });
    return found == agents_.end() ? nullptr : &*found;
  }

  [[nodiscard]] bool leads_to_socket(const PostfixRoute& route, const MasterService& service) const {
    if (service.type != "unix") return route.nexthop == "inet:" + service.name;
    const std::string path = socket_path(service);
    return route.nexthop == "unix:" + path ||
           route.nexthop == "unix:" + value_of(postfix_.expanded, "queue_directory") + "/" + path;
  }

  /// What somebody writes who takes a service of spawn(8) for a transport.
  [[nodiscard]] const AgentService* mistaken(const PostfixRoute& route) const {
    const auto found = std::find_if(agents_.begin(), agents_.end(), [&](const AgentService& each) {
      return each.lmtp && each.service.type == "unix" && each.service.name == route.service;
    });
    return found == agents_.end() ? nullptr : &*found;
  }

  /// A value in quotes that without them is a way to a service of ours.
  std::optional<PostfixFinding> quoted(const std::string& value, const std::string& where) const {
    const auto plain = without_quotes(value);
    if (!plain || agent(parse_route(*plain, "")) == nullptr) return std::nullopt;
    return PostfixFinding{Severity::Error, where,
                          fmt::format("{} is in quotes, which Postfix takes as a part of the transport's name: mail "
                                      "waits; write {}",
                                      printable(value), printable(*plain)),
                          ""};
  }

  /// `option`: of postconf, which sets the parameter by this name.
  void take_parameter(const std::string& value, const std::string& parameter, std::string_view option) {
    if (auto finding = quoted(value, parameter)) {
      finding->fix = fmt::format("{} {} {}", tools_.postconf(), option,
                                 shell_word(parameter + "=" + without_quotes(value).value_or("")));
      return findings_.push_back(*std::move(finding));
    }
    PostfixRoute route = parse_route(value, parameter);
    route.edit = fmt::format("{} {}", tools_.postconf(), option);
    route.parameter = parameter;
    // Without a nexthop of its own relayhost is taken.
    if (route.nexthop.empty() && parameter == "default_transport") {
      route.nexthop = value_of(postfix_.expanded, "relayhost");
      if (!route.nexthop.empty()) route.where = "relayhost";
      route.edit.clear();
    }
    if (auto finding = take(route)) findings_.push_back(*std::move(finding));
  }

  std::optional<PostfixFinding> take(const PostfixRoute& route) {
    if (const AgentService* const meant = mistaken(route)) return no_transport(route, meant->service);
    const AgentService* const to = agent(route);
    if (to == nullptr) return std::nullopt;
    used_.insert(to->service.key());
    if (to->lmtp) clients_[to->service.key()].insert(route.service);
    // With an argv that says where mail goes, the nexthop of Postfix is not looked at.
    if (!to->fixed_nexthop.empty()) return std::nullopt;
    if (const auto* const chain = chain_named(to->loaded.configuration, route.nexthop)) named_.insert(chain->name);
    // A configuration that is wrong has a finding of its own, and its chains may be half there.
    if (first_error(to->loaded.problems) != nullptr) return std::nullopt;
    return judge_route(route, to->loaded.configuration, service_port);
  }

  [[nodiscard]] static PostfixFinding no_transport(const PostfixRoute& route, const MasterService& service) {
    const std::string right = transport_to(service);
    return {Severity::Error, route.where,
            fmt::format("{} is a service of spawn(8) and no transport: mail waits; write {}", service.name, right),
            route.edit.empty() ? "" : route.edit + " " + shell_word(route.parameter + "=" + right)};
  }

  void take_tables(const std::string& where, const std::string& value) {
    for (const PostfixTable& table : parse_postfix_tables(value)) {
      if (table.kind == PostfixTable::Kind::Hidden) hidden_ = true;
      const auto entries = tools_.entries(table);
      if (!entries) {
        hidden_ = true;
        findings_.push_back(
            {Severity::Error, where,
             fmt::format("{} cannot be read: {}; Postfix defers mail", printable(table.text), entries.error()),
             table.indexed ? "postmap " + shell_word(table.text) : ""});
        continue;
      }
      take_duplicates(where, table, entries->duplicates);
      take_entries(where + " " + table.text, entries->pairs);
    }
  }

  /// trivial-rewrite(8) refuses a texthash table that has a key twice; in other kinds one of the two wins in silence.
  void take_duplicates(const std::string& where, const PostfixTable& table,
                       const std::vector<std::string>& duplicates) {
    const bool refused = table.type == "texthash";
    for (std::size_t i = 0; i < std::min(duplicates.size(), kMostOfATable); ++i) {
      findings_.push_back({refused ? Severity::Error : Severity::Warning, where,
                           fmt::format("{}, {}; {}: keep one of the lines", printable(table.text), duplicates[i],
                                       refused ? "trivial-rewrite(8) refuses the whole table, and all mail waits"
                                               : "only one of the values is used"),
                           ""});
    }
  }

  void take_entries(const std::string& where, const std::vector<PostfixPair>& entries) {
    std::size_t found = 0;
    for (const PostfixPair& entry : entries) {
      const std::string place = printable(where + ", " + entry.name);
      auto finding = quoted(entry.value, place);
      if (!finding) finding = take(parse_route(entry.value, place));
      if (finding && ++found <= kMostOfATable) findings_.push_back(*std::move(finding));
    }
    if (found <= kMostOfATable) return;
    findings_.push_back(
        {Severity::Error, printable(where), fmt::format("{} more of its lines are wrong", found - kMostOfATable), ""});
  }

  [[nodiscard]] PostfixFinding no_mail(const AgentService& agent) const {
    const std::string transport = agent.lmtp ? transport_to(agent.service) : agent.service.name;
    const auto& chains = agent.loaded.configuration.chains;
    std::string way = agent.lmtp ? transport : "";
    if (!agent.lmtp && chains.size() == 1) way = transport + ":" + chains.begin()->first;
    return {Severity::Warning, agent.service.key(),
            fmt::format("gets no mail: {} is named in no parameter and no table of Postfix", transport),
            way.empty() ? "" : fmt::format("{} -e {}", tools_.postconf(), shell_word("default_transport=" + way))};
  }

  void finish(const AgentService& agent) {
    if (first_error(agent.loaded.problems) != nullptr) return;
    const Configuration& configuration = agent.loaded.configuration;
    if (!agent.fixed_nexthop.empty()) {
      PostfixRoute route{agent.service.key() + " --nexthop", agent.service.name, agent.fixed_nexthop, "", ""};
      if (auto finding = judge_route(route, configuration, service_port)) findings_.push_back(*std::move(finding));
      if (const auto* const chain = chain_named(configuration, agent.fixed_nexthop)) named_.insert(chain->name);
    }
    if (hidden_) return;
    if (!used_.contains(agent.service.key())) findings_.push_back(no_mail(agent));
    std::vector<ConfigProblem> problems;
    find_unreachable_from(configuration, named_, problems);
    for (const ConfigProblem& problem : problems)
      findings_.push_back({Severity::Warning, agent.service.key(),
                           fmt::format("{}: {}", printable(position_text(problem.at)), problem.text), ""});
  }

  const std::vector<AgentService>& agents_;
  const PostfixSnapshot& postfix_;
  const PostfixTools& tools_;
  std::vector<PostfixFinding> findings_;
  std::set<std::string> used_;  ///< keys of services
  std::map<std::string, std::set<std::string>> clients_;
  std::set<std::string, std::less<>> named_;  ///< chains
  bool hidden_ = false;                       ///< there are tables whose entries cannot be had
};

}  // namespace

RoutesSeen examine_routes(const std::vector<AgentService>& agents, const PostfixSnapshot& postfix,
                          const PostfixTools& tools) {
  return RouteFinder(agents, postfix, tools).examine();
}

std::vector<std::string> route_parameters() {
  std::vector<std::string> names(kParameters.begin(), kParameters.end());
  names.insert(names.end(), kTables.begin(), kTables.end());
  names.emplace_back("relayhost");
  return names;
}

}  // namespace relaypipe
