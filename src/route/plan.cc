#include "route/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/printable.h"
#include "config/check_chains.h"
#include "config/nearest.h"
#include "config/nexthop.h"
#include "config/read_limits.h"
#include "relay/address_pattern.h"
#include "relay/host.h"
#include "relay/provider.h"
#include "route/tier_order.h"

namespace relaypipe {
namespace {

std::string shown_address(const Address& address) { return "<" + printable(address.text()) + ">"; }

/// The rule with the narrowest pattern that matches.
const ChainRule* narrowest(const std::vector<ChainRule>& rules, std::string_view address) {
  const ChainRule* best = nullptr;
  for (const ChainRule& rule : rules) {
    if (!rule.pattern.matches(address)) continue;
    if (best == nullptr || rule.pattern.precision() > best->pattern.precision()) best = &rule;
  }
  return best;
}

/// The narrowest rule for an address: of the whole address, of it without its extension, of its domain.
const ChainRule* match(const std::vector<ChainRule>& rules, const Address& address, std::string_view delimiters) {
  const ChainRule* const whole = narrowest(rules, address.text());
  const auto plain = without_extension(address.text(), delimiters);
  const ChainRule* const other = plain ? narrowest(rules, *plain) : nullptr;
  if (whole == nullptr || other == nullptr) return whole == nullptr ? other : whole;
  return other->pattern.precision() > whole->pattern.precision() ? other : whole;
}

/// Why a relay may not carry mail of these addresses, or nothing.
std::optional<std::string> address_problem(const RelayConfig& relay, const Envelope& envelope) {
  const std::string_view delimiters = relay.settings.recipient_delimiter;
  if (envelope.sender.is_null() && !takes_null_sender(relay)) {
    return fmt::format("may not carry bounces: over HTTPS {} sends only as somebody, and they have the sender <>",
                       relay.provider);
  }
  if (!relay.senders.empty() && !matches_any(relay.senders, envelope.sender.text(), delimiters)) {
    return fmt::format("may not carry the sender {}", shown_address(envelope.sender));
  }
  for (const Address& recipient : envelope.recipients) {
    if (!relay.recipients.empty() && !matches_any(relay.recipients, recipient.text(), delimiters)) {
      return fmt::format("may not carry the recipient {}", shown_address(recipient));
    }
  }
  return std::nullopt;
}

/// The same of the message's size. It is Postfix's count, close enough to leave a relay out before the content is read
/// (smtp(8) refuses by it too); the exact size is judged again before MAIL.
std::optional<std::string> size_problem(const RelayConfig& relay, const Envelope& envelope) {
  if (!relay.max_size || !envelope.announced_size || *envelope.announced_size <= *relay.max_size) return std::nullopt;
  return fmt::format("message of {} octets exceeds its max_size of {}", *envelope.announced_size, *relay.max_size);
}

/// Whether the destination is what Postfix fills in where no nexthop is configured: the domain of the recipients.
bool is_recipient_domain(const Destination& destination, const Envelope& envelope) {
  if (destination.lookup != Lookup::Mx || envelope.recipients.empty()) return false;
  return std::all_of(envelope.recipients.begin(), envelope.recipients.end(),
                     [&](const Address& recipient) { return lower(recipient.domain()) == destination.host; });
}

/// The rule of a chain that this message follows, or null.
Result<const ChainRule*, std::string> rule_of(const ChainConfig& chain, const Envelope& envelope,
                                              std::string_view delimiters) {
  const ChainRule* first = nullptr;
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
    const ChainRule* rule = match(chain.by_recipient, envelope.recipients[i], delimiters);
    const bool same = rule == first || (rule != nullptr && first != nullptr && rule->nexthop == first->nexthop);
    if (i > 0 && !same) {
      return fail(
          fmt::format("the recipients {} and {} need different relays (by_recipient of chain {}): set "
                      "relaypipe_destination_recipient_limit = 1",
                      shown_address(envelope.recipients[0]), shown_address(envelope.recipients[i]), chain.name));
    }
    first = rule;
  }
  return first != nullptr ? first : match(chain.by_sender, envelope.sender, delimiters);
}

std::string recognised(const Destination& destination) {
  const Provider* const provider = recognise_provider(destination.host);
  return provider == nullptr ? "" : std::string(provider->name);
}

std::string provider_of(const RelayConfig& relay) {
  return relay.provider.empty() ? recognised(relay.destination) : relay.provider;
}

Relay written_relay(const Configuration& configuration, const Destination& destination) {
  AccountConfig account;
  account.password_map = configuration.relay_defaults.password_map;
  std::string provider = recognised(destination);
  Limits limits = provider_limits(provider);
  return {destination.text, destination,        &configuration.relay_defaults, false,
          std::nullopt,     std::move(account), std::move(provider),           configuration.replies,
          std::move(limits)};
}

Relay relay_of(const Configuration& configuration, const ServicePort& service, const std::string& name) {
  const RelayConfig* config = configuration.relay(name);
  if (config != nullptr) {
    return {config->name,     config->destination, &config->settings,    false,
            config->max_size, config->account,     provider_of(*config), config->replies,
            config->limits,   config->https,       config->rewriting};
  }
  // read_configuration() has made sure that what is no relay is one destination.
  const auto destinations = parse_nexthop(name, service);
  return written_relay(
      configuration, destinations ? destinations->front() : Destination{name, name, false, Lookup::Address, 25, false});
}

/// What is wrong with a word that names neither a relay nor a chain.
std::string unknown_name(const Configuration& configuration, std::string_view word) {
  std::vector<std::string_view> names;
  for (const auto& [name, relay] : configuration.relays)
    names.push_back(name);
  for (const auto& [name, chain] : configuration.chains)
    names.push_back(name);
  const auto near = nearest(word, names);
  return fmt::format("there is no relay or chain \"{}\"{}; a host is written in brackets, such as [localhost]",
                     shown(word), near ? fmt::format("; did you mean {}?", *near) : "");
}

class Planner {
 public:
  Planner(const Configuration& configuration, const Envelope& envelope, const ServicePort& service, Random random)
      : configuration_(configuration), envelope_(envelope), service_(service), random_(random) {}

  Result<RoutePlan, NoPlan> plan(std::string_view nexthop) {
    auto last = follow_rules(configuration_, nexthop, envelope_);
    if (!last) return fail(NoPlan{{4, 3, 5}, last.error()});
    plan_.steps = std::move(last->steps);
    const auto found = find_nexthop(configuration_, last->nexthop, service_);
    if (!found) return fail(NoPlan{{4, 3, 5}, found.error() + recipient_domain_hint(last->nexthop)});
    return found->chain != nullptr ? plan_chain(*found->chain) : plan_list(found->destinations);
  }

 private:
  /// Why a nexthop that nobody configured may be a bare name.
  [[nodiscard]] std::string recipient_domain_hint(std::string_view nexthop) const {
    const bool own = is_bare_name(nexthop) &&
                     std::any_of(envelope_.recipients.begin(), envelope_.recipients.end(),
                                 [&](const Address& recipient) { return lower(recipient.domain()) == lower(nexthop); });
    return own ? "; this is the domain of the recipient, which Postfix fills in where no nexthop is configured" : "";
  }

  Result<RoutePlan, NoPlan> plan_list(const std::vector<Destination>& destinations) {
    for (std::size_t i = 0; i < destinations.size(); ++i) {
      const Destination& destination = destinations[i];
      Relay relay = written_relay(configuration_, destination);
      // A list is somebody's choice of relays; only a nexthop of one bare domain can be the recipient's own.
      relay.recipient_domain = destinations.size() == 1 && is_recipient_domain(destination, envelope_);
      plan_.legs.push_back(
          {.relay = std::move(relay), .reason = fmt::format("destination {} of {}", i + 1, destinations.size())});
    }
    return std::move(plan_);
  }

  Result<RoutePlan, NoPlan> plan_chain(const ChainConfig& chain) {
    plan_.chain = chain.name;
    for (std::size_t i = 0; i < chain.tiers.size(); ++i)
      add_tier(chain, chain.tiers[i], i + 1);
    // The relays of last resort keep the order in which they are written.
    for (const std::string& name : chain.fallback)
      add_tier(chain, {name}, chain.tiers.size() + 1);
    if (!plan_.legs.empty()) return std::move(plan_);
    return fail(no_relay(chain));
  }

  /// Nobody may carry the message. One that is too large for every relay is refused as smtp(8) does; anything else is
  /// a matter of the configuration.
  [[nodiscard]] NoPlan no_relay(const ChainConfig& chain) const {
    std::string reasons;
    for (const SkippedRelay& skipped : plan_.skipped)
      reasons += fmt::format("; {} {}", skipped.relay, skipped.reason);
    const bool all_too_small = too_small_ == plan_.skipped.size();
    if (all_too_small && too_small_ > 0) {
      return {{5, 3, 4},
              fmt::format("message size {} exceeds the max_size of every relay of chain {}{}",
                          *envelope_.announced_size, chain.name, reasons)};
    }
    if (envelope_.sender.is_null() && no_relay_takes_bounces(configuration_, chain)) {
      return {{4, 3, 5},
              fmt::format("no relay of chain {} takes bounces, the sender <>: write \"<>\" into the senders "
                          "of one of its relays{}",
                          chain.name, reasons)};
    }
    return {{4, 3, 5}, fmt::format("no relay of chain {} may carry this message{}", chain.name, reasons)};
  }

  /// A relay of last resort is a tier of its own, beyond those of the chain.
  void add_tier(const ChainConfig& chain, const std::vector<std::string>& names, std::size_t tier) {
    const bool fallback = tier > chain.tiers.size();
    std::vector<Weighted> weighted;
    std::uint64_t sum = 0;
    for (const std::string& name : names) {
      const RelayConfig* config = configuration_.relay(name);
      if (config != nullptr) {
        if (auto problem = address_problem(*config, envelope_)) {
          plan_.skipped.push_back({name, *std::move(problem)});
          continue;
        }
        if (auto problem = size_problem(*config, envelope_)) {
          ++too_small_;
          plan_.skipped.push_back({name, *std::move(problem)});
          continue;
        }
      }
      weighted.push_back({name, config == nullptr ? 1 : config->weight});
      sum += weighted.back().weight;
    }
    // The null sender is nobody: its mail is drawn by weight in any case.
    const bool by_sender = chain.balance == Balance::Sender && !envelope_.sender.is_null() && weighted.size() > 1;
    const auto order = by_sender ? order_by_key(weighted, lower(envelope_.sender.text()))
                                 : order_by_weight(weighted, Random(random_.next()));
    for (const std::size_t i : order) {
      const std::string why = weighted.size() == 1 ? ""
                              : by_sender          ? ", by sender"
                                                   : fmt::format(", weight {} of {}", weighted[i].weight, sum);
      plan_.legs.push_back({.relay = relay_of(configuration_, service_, weighted[i].name),
                            .tier = tier,
                            .reason = fallback ? "fallback" : fmt::format("tier {}{}", tier, why),
                            .fallback = fallback});
    }
  }

  const Configuration& configuration_;
  const Envelope& envelope_;
  const ServicePort& service_;
  Random random_;
  RoutePlan plan_;
  std::size_t too_small_ = 0;  ///< skipped relays that only their max_size rules out
};

}  // namespace

Result<FinalNexthop, std::string> follow_rules(const Configuration& configuration, std::string_view nexthop,
                                               const Envelope& envelope) {
  FinalNexthop last{std::string(nexthop), {}, {}};
  // read_configuration() refuses rules that lead back; the bound only keeps a mistake of ours from hanging a delivery.
  for (std::size_t step = 0; step <= configuration.chains.size(); ++step) {
    const ChainConfig* chain = chain_named(configuration, last.nexthop);
    if (chain == nullptr) return last;
    last.nexthop = chain->name;
    const auto rule = rule_of(*chain, envelope, configuration.relay_defaults.recipient_delimiter);
    if (!rule) return fail(rule.error());
    if (*rule == nullptr) return last;
    last.steps.push_back(
        fmt::format("chain {}: {} leads to {}", chain->name, (*rule)->pattern.written(), (*rule)->nexthop));
    last.passed.push_back(chain->name);
    last.nexthop = (*rule)->nexthop;
  }
  return fail(fmt::format("the rules of chain {} lead back to it", last.nexthop));
}

Result<std::vector<Relay>, std::string> relays_named(const Configuration& configuration, std::string_view word,
                                                     const ServicePort& service) {
  std::vector<Relay> relays;
  if (configuration.relay(word) != nullptr) return std::vector{relay_of(configuration, service, std::string(word))};
  if (is_bare_name(word) && chain_named(configuration, word) == nullptr) return fail(unknown_name(configuration, word));
  const auto found = find_nexthop(configuration, word, service);
  if (!found) return fail(found.error());
  if (found->chain != nullptr) {
    auto tiers = found->chain->tiers;
    tiers.push_back(found->chain->fallback);
    for (const auto& tier : tiers) {
      for (const std::string& name : tier)
        relays.push_back(relay_of(configuration, service, name));
    }
    return relays;
  }
  for (const Destination& destination : found->destinations)
    relays.push_back(written_relay(configuration, destination));
  return relays;
}

Result<RoutePlan, NoPlan> plan_route(const Configuration& configuration, std::string_view nexthop,
                                     const Envelope& envelope, const ServicePort& service, Random random) {
  return Planner(configuration, envelope, service, random).plan(nexthop);
}

}  // namespace relaypipe
