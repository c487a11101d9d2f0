#include "config/check_chains.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "http/provider_api.h"

namespace relaypipe {
namespace {

/// Follows the rules of all chains, once each.
class CircleFinder {
 public:
  CircleFinder(const Configuration& configuration, std::vector<ConfigProblem>& problems)
      : configuration_(configuration), problems_(problems) {}

  /// Depth first; the path is a vector and not the stack, so that no file is too long for it.
  void follow(const ChainConfig& start) {
    enter(start);
    while (!path_.empty()) {
      Step& step = path_.back();
      const ChainRule* const rule = rule_at(*step.chain, step.next++);
      if (rule == nullptr) {
        on_path_.erase(step.chain->name);
        path_.pop_back();
      } else if (const ChainConfig* const target = configuration_.chain(rule->nexthop)) {
        on_path_.contains(target->name) ? report(*target, *rule) : enter(*target);
      }
    }
  }

 private:
  struct Step {
    const ChainConfig* chain;
    std::size_t next = 0;
  };

  static const ChainRule* rule_at(const ChainConfig& chain, std::size_t i) {
    if (i < chain.by_sender.size()) return &chain.by_sender[i];
    i -= chain.by_sender.size();
    return i < chain.by_recipient.size() ? &chain.by_recipient[i] : nullptr;
  }

  void enter(const ChainConfig& chain) {
    if (!seen_.insert(chain.name).second) return;
    on_path_.insert(chain.name);
    path_.push_back({&chain});
  }

  void report(const ChainConfig& target, const ChainRule& rule) {
    const auto first =
        std::find_if(path_.begin(), path_.end(), [&](const Step& step) { return step.chain == &target; });
    std::string text = fmt::format("[chain.{}] the rules lead in a circle: ", path_.back().chain->name);
    for (auto step = first; step != path_.end(); ++step) {
      text += step->chain->name + " -> ";
    }
    problems_.push_back({ConfigProblem::Severity::Error,
                         {path_.back().chain->at.file, rule.at.line, rule.at.column},
                         text + target.name + "; a rule may only lead to a chain that does not lead back"});
  }

  const Configuration& configuration_;
  std::vector<ConfigProblem>& problems_;
  std::vector<Step> path_;
  std::set<std::string_view> on_path_;
  std::set<std::string_view> seen_;
};

/// The interface of a relay that speaks HTTPS, or nullptr.
const ProviderApi* api_of(const RelayConfig& relay) {
  return relay.destination.https ? find_provider_api(relay.provider) : nullptr;
}

bool goes_by_header(const RelayConfig* relay) {
  const ProviderApi* const api = relay == nullptr ? nullptr : api_of(*relay);
  return api != nullptr && api->recipients_in_header;
}

}  // namespace

void find_circles(const Configuration& configuration, std::vector<ConfigProblem>& problems) {
  CircleFinder finder(configuration, problems);
  for (const auto& [name, chain] : configuration.chains) {
    finder.follow(chain);
  }
}

HeaderRelays find_header_relays(const Configuration& configuration) {
  HeaderRelays found;
  const auto by_header = [&](const std::string& name) { return goes_by_header(configuration.relay(name)); };
  const auto all = [&](const std::vector<std::string>& names) {
    return std::all_of(names.begin(), names.end(), by_header);
  };
  for (const auto& [name, relay] : configuration.relays)
    found.any = found.any || goes_by_header(&relay);
  for (const auto& [name, chain] : configuration.chains) {
    const bool alone =
        !chain.tiers.empty() && all(chain.fallback) && std::all_of(chain.tiers.begin(), chain.tiers.end(), all);
    if (found.chain.empty() && alone) found.chain = name;
  }
  return found;
}

bool takes_null_sender(const RelayConfig& relay) {
  const ProviderApi* const api = api_of(relay);
  return api == nullptr || api->takes_null_sender;
}

bool no_relay_takes_bounces(const Configuration& configuration, const ChainConfig& chain) {
  const auto takes = [&](const std::string& name) {
    const RelayConfig* const relay = configuration.relay(name);
    if (relay != nullptr && !takes_null_sender(*relay)) return false;
    if (relay == nullptr || relay->senders.empty()) return true;
    return std::any_of(relay->senders.begin(), relay->senders.end(),
                       [](const AddressPattern& pattern) { return pattern.matches(""); });
  };
  const auto any_takes = [&](const std::vector<std::string>& names) {
    return std::any_of(names.begin(), names.end(), takes);
  };
  return !any_takes(chain.fallback) && std::none_of(chain.tiers.begin(), chain.tiers.end(), any_takes);
}

void find_closed_to_bounces(const Configuration& configuration, std::vector<ConfigProblem>& problems) {
  // A chain that only mail of certain senders is led to gets no bounces.
  std::set<std::string_view> for_senders;
  for (const auto& [name, chain] : configuration.chains) {
    for (const ChainRule& rule : chain.by_sender) {
      if (!rule.pattern.matches("")) for_senders.insert(rule.nexthop);
    }
  }
  for (const auto& [name, chain] : configuration.chains) {
    if (for_senders.contains(name)) continue;
    const bool led_away = std::any_of(chain.by_sender.begin(), chain.by_sender.end(),
                                      [](const ChainRule& rule) { return rule.pattern.matches(""); });
    if (led_away || !no_relay_takes_bounces(configuration, chain)) continue;
    problems.push_back(
        {ConfigProblem::Severity::Warning, chain.at,
         fmt::format("[chain.{}]: bounces, mail of the sender <>, wait for ever: no relay takes them, "
                     "because of its senders or of its interface; write \"<>\" into the senders of one at least",
                     name)});
  }
}

void find_unused(const Configuration& configuration, std::vector<ConfigProblem>& problems) {
  std::set<std::string_view> used;
  for (const auto& [name, chain] : configuration.chains) {
    for (const auto& tier : chain.tiers) {
      used.insert(tier.begin(), tier.end());
    }
    used.insert(chain.fallback.begin(), chain.fallback.end());
  }
  for (const auto& [name, relay] : configuration.relays) {
    if (used.contains(name)) continue;
    problems.push_back(
        {ConfigProblem::Severity::Warning, relay.at,
         fmt::format("[relay.{}]: no chain has it in its tiers or its fallback, so it gets no mail", name)});
  }
}

}  // namespace relaypipe
