#include "config/check_reach.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

namespace relaypipe {
namespace {

using Patterns = std::vector<AddressPattern>;

/// Whether the rules send every address of the patterns elsewhere. No patterns are all addresses, which no rule covers.
bool led_away(const Patterns& patterns, const std::vector<ChainRule>& rules) {
  const auto covered = [&](const AddressPattern& pattern) {
    return std::any_of(rules.begin(), rules.end(), [&](const ChainRule& rule) { return rule.pattern.covers(pattern); });
  };
  return !patterns.empty() && std::all_of(patterns.begin(), patterns.end(), covered);
}

/// Whether no address matches both.
bool apart(const Patterns& some, const Patterns& others) {
  return std::none_of(some.begin(), some.end(), [&](const AddressPattern& one) {
    return std::any_of(others.begin(), others.end(),
                       [&](const AddressPattern& other) { return one.covers(other) || other.covers(one); });
  });
}

/// The relays of a chain that have a section of their own.
std::vector<const RelayConfig*> relays_of(const Configuration& configuration, const ChainConfig& chain) {
  std::vector<const RelayConfig*> relays;
  const auto collect = [&](const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (const RelayConfig* const relay = configuration.relay(name)) relays.push_back(relay);
    }
  };
  for (const auto& tier : chain.tiers)
    collect(tier);
  collect(chain.fallback);
  return relays;
}

/// For each relay the chains that would never give it mail, as `reason` says; reported where none is left that would.
template <class Reason>
void report_unreached(const Configuration& configuration, const Reason& reason, std::vector<ConfigProblem>& problems) {
  std::map<const RelayConfig*, std::string> unreached;
  std::set<const RelayConfig*> reached;
  for (const auto& [name, chain] : configuration.chains) {
    for (const RelayConfig* const relay : relays_of(configuration, chain)) {
      const std::string why = reason(chain, *relay);
      if (why.empty())
        reached.insert(relay);
      else if (unreached[relay].empty())
        unreached[relay] = why;
    }
  }
  for (const auto& [relay, why] : unreached) {
    if (reached.contains(relay)) continue;
    problems.push_back(
        {ConfigProblem::Severity::Warning, relay->at, fmt::format("[relay.{}] gets no mail: {}", relay->name, why)});
  }
}

}  // namespace

void find_unreachable(const Configuration& configuration, std::vector<ConfigProblem>& problems) {
  const auto reason = [](const ChainConfig& chain, const RelayConfig& relay) {
    if (led_away(relay.senders, chain.by_sender)) {
      return fmt::format("by_sender of [chain.{}] sends all its senders elsewhere", chain.name);
    }
    if (led_away(relay.recipients, chain.by_recipient)) {
      return fmt::format("by_recipient of [chain.{}] sends all its recipients elsewhere", chain.name);
    }
    return std::string();
  };
  report_unreached(configuration, reason, problems);
}

void find_unreachable_from(const Configuration& configuration, const std::set<std::string, std::less<>>& named,
                           std::vector<ConfigProblem>& problems) {
  std::map<std::string_view, Patterns> senders;  // of the chains that rules lead to
  std::set<std::string_view> open;               // chains that get mail of any sender
  for (const auto& [name, chain] : configuration.chains) {
    if (!chain.policy.empty()) return;
    for (const ChainRule& rule : chain.by_sender)
      senders[rule.nexthop].push_back(rule.pattern);
    for (const ChainRule& rule : chain.by_recipient)
      open.insert(rule.nexthop);
  }
  const auto reason = [&](const ChainConfig& chain, const RelayConfig& relay) {
    const bool restricted = senders.contains(chain.name) && !open.contains(chain.name) && !named.contains(chain.name);
    if (!restricted || relay.senders.empty() || !apart(relay.senders, senders[chain.name])) return std::string();
    return fmt::format("only by_sender leads to [chain.{}], and for none of the relay's senders", chain.name);
  };
  report_unreached(configuration, reason, problems);
}

}  // namespace relaypipe
