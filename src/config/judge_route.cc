#include "config/judge_route.h"

#include <fmt/format.h>

#include <vector>

#include "base/printable.h"
#include "config/nearest.h"
#include "config/postfix_text.h"

namespace relaypipe {
namespace {

/// Whether the nexthop can only be meant as the name of a chain.
bool meant_as_chain(const std::vector<Destination>& destinations) {
  if (destinations.size() != 1) return false;
  const Destination& only = destinations.front();
  return only.lookup == Lookup::Mx && !only.literal && only.host.find('.') == only.host.npos;
}

std::string known_chains(const std::vector<std::string_view>& names) {
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
  if (route.nexthop.empty() || configuration.chain(route.nexthop) != nullptr) return std::nullopt;
  const auto destinations = parse_nexthop(route.nexthop, service);
  if (destinations && !meant_as_chain(*destinations)) return std::nullopt;
  std::vector<std::string_view> names;
  for (const auto& [name, chain] : configuration.chains)
    names.push_back(name);
  const auto near = nearest(route.nexthop, names);
  PostfixFinding finding{PostfixFinding::Severity::Error, route.where, "", ""};
  if (destinations || near) {
    finding.text = fmt::format("{}:{} names no chain: {}", route.service, printable(route.nexthop),
                               near ? fmt::format("did you mean {}?", *near) : known_chains(names));
  } else {
    finding.text = fmt::format("{}:{}: {}", route.service, printable(route.nexthop), destinations.error());
  }
  if (near && !route.edit.empty()) {
    finding.mend = route.edit + " " + shell_word(fmt::format("{}={}:{}", route.parameter, route.service, *near));
  }
  return finding;
}

}  // namespace relaypipe
