#include "postfix/judge_route.h"

#include <fmt/format.h>

#include <vector>

#include "base/printable.h"
#include "config/nearest.h"
#include "config/nexthop.h"
#include "postfix/text.h"
#include "relay/host.h"

namespace relaypipe {
namespace {

std::string known_chains(const Configuration& configuration, const std::vector<std::string_view>& names) {
  if (!configuration.missing_file.empty()) {
    return fmt::format("there is no configuration file {}", printable(configuration.missing_file));
  }
  std::string text;
  for (const std::string_view name : names)
    text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
  return text.empty() ? "the configuration has no chains" : "the chains are " + text;
}

}  // namespace

std::optional<std::string> without_quotes(std::string_view value) {
  if (!value.starts_with('"')) return std::nullopt;
  value.remove_prefix(1);
  if (value.ends_with('"')) value.remove_suffix(1);
  return std::string(value);
}

PostfixRoute parse_route(std::string_view value, std::string where) {
  const std::size_t colon = value.find(':');
  PostfixRoute route{std::move(where), std::string(value.substr(0, colon)), "", "", ""};
  if (colon != value.npos) route.nexthop = value.substr(colon + 1);
  return route;
}

std::optional<PostfixFinding> judge_route(const PostfixRoute& route, const Configuration& configuration,
                                          const ServicePort& service) {
  if (route.nexthop.empty()) return std::nullopt;
  const auto found = find_nexthop(configuration, route.nexthop, service);
  if (found) return std::nullopt;
  const bool bare = is_bare_name(route.nexthop);
  std::vector<std::string_view> names;
  for (const auto& [name, chain] : configuration.chains)
    names.push_back(name);
  const std::string_view name = bare ? split_list(route.nexthop).front() : std::string_view(route.nexthop);
  const auto near = nearest(name, names);
  PostfixFinding finding{PostfixFinding::Severity::Error, route.where, "", ""};
  if (bare || near) {
    finding.text = fmt::format("{}:{} names no chain: {}", route.service, printable(route.nexthop),
                               near ? fmt::format("did you mean {}?", *near) : known_chains(configuration, names));
  } else {
    finding.text = fmt::format("{}:{}: {}", route.service, printable(route.nexthop), found.error());
  }
  if (near && !route.edit.empty()) {
    finding.fix = route.edit + " " + shell_word(fmt::format("{}={}:{}", route.parameter, route.service, *near));
  }
  return finding;
}

}  // namespace relaypipe
