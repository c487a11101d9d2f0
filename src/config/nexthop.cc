#include "config/nexthop.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/printable.h"
#include "config/nearest.h"
#include "config/read_https.h"
#include "relay/host.h"

namespace relaypipe {
namespace {

/// `; a host of that name is written [smarthost]`, where it could be the name of a host.
std::string host_hint(std::string_view name) {
  if (host_name_problem(name)) return "";
  return fmt::format("; a host of that name is written [{}]", shown(name));
}

/// What is wrong with a bare name, given that it is not a chain that stands alone.
std::string bare_name_problem(const Configuration& configuration, std::string_view name, bool alone) {
  if (configuration.chain(name) != nullptr) {
    return fmt::format("a chain stands alone; write the other destinations into the tiers of [chain.{}]{}", name,
                       host_hint(name));
  }
  if (!alone) return "a name without a dot is not a destination" + host_hint(name);
  if (configuration.relay(name) != nullptr) {
    return fmt::format("there is no chain \"{}\", it is a relay; write the name of a chain that has it in its tiers",
                       name);
  }
  return fmt::format("there is no chain \"{}\"{}{}", shown(name), chain_hint(configuration, name), host_hint(name));
}

/// What is wrong with a destination that can be read: its host is the name of a chain, with a prefix or a port.
std::optional<std::string> host_problem(const Configuration& configuration, const Destination& destination) {
  if (destination.literal || destination.lookup == Lookup::Address) return std::nullopt;
  for (const auto& [name, chain] : configuration.chains) {
    if (lower(name) != destination.host) continue;
    return fmt::format("a chain is written without a prefix and a port: write {}{}", name, host_hint(name));
  }
  return std::nullopt;
}

}  // namespace

const ChainConfig* chain_named(const Configuration& configuration, std::string_view text) {
  const std::vector<std::string_view> words = split_list(text);
  return words.size() == 1 ? configuration.chain(words.front()) : nullptr;
}

bool is_bare_name(std::string_view text) {
  const std::vector<std::string_view> words = split_list(text);
  // A number is a port without a host, which is said better.
  return words.size() == 1 && words.front().find_first_of("[]:.") == text.npos && !made_of(kDigits, words.front());
}

std::string chain_hint(const Configuration& configuration, std::string_view name) {
  if (!configuration.missing_file.empty()) {
    return fmt::format(", since there is no configuration file {}", printable(configuration.missing_file));
  }
  std::vector<std::string_view> names;
  for (const auto& [known, chain] : configuration.chains)
    names.push_back(known);
  if (names.empty()) return "; the configuration has no chains";
  const auto near = nearest(name, names);
  return near ? fmt::format("; did you mean {}?", *near) : fmt::format("; the chains are {}", fmt::join(names, ", "));
}

Result<Nexthop, std::string> find_nexthop(const Configuration& configuration, std::string_view text,
                                          const ServicePort& service) {
  if (const ChainConfig* const chain = chain_named(configuration, text)) return Nexthop{chain, {}};
  const std::vector<std::string_view> elements = split_list(text);
  const auto wrong = [&](std::size_t i, const std::string& problem) {
    if (elements.size() == 1) return fail(problem);
    return fail(fmt::format("destination {} of {}, \"{}\": {}", i + 1, elements.size(), shown(elements[i]), problem));
  };
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (is_bare_name(elements[i])) {
      return wrong(i, bare_name_problem(configuration, elements[i], elements.size() == 1));
    }
  }
  auto destinations = parse_nexthop(text, service);
  if (!destinations) return fail(destinations.error());
  for (std::size_t i = 0; i < destinations->size(); ++i) {
    if (const auto problem = host_problem(configuration, (*destinations)[i])) return wrong(i, *problem);
    if ((*destinations)[i].https) return wrong(i, std::string(https_in_list_problem()));
  }
  return Nexthop{nullptr, *std::move(destinations)};
}

}  // namespace relaypipe
