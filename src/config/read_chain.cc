#include "config/read_chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/printable.h"
#include "config/nexthop.h"
#include "config/read_https.h"
#include "relay/host.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

constexpr std::string_view kFallbackForm = "write an array of relays such as fallback = [\"lastresort\"]";
constexpr std::string_view kTiersForm = "write an array of arrays of relays such as tiers = [[\"a\", \"b\"], [\"c\"]]";
constexpr std::string_view kRulesForm = "write a table of patterns such as { \"@example.org\" = \"other-chain\" }";
constexpr std::string_view kRuleForm =
    "write \"PATTERN\" = \"CHAIN\" or \"PATTERN\" = \"DESTINATIONS\", both in quotes";
constexpr std::string_view kBalanceForm = "write \"weight\" or \"sender\"";
constexpr std::string_view kPolicyForm = "write unix:/absolute/path or inet:ADDRESS:PORT";
constexpr std::size_t kLongestSocketPath = 107;  // sun_path without its final NUL

std::optional<std::string> no_https(const Destination& destination) {
  return destination.https ? std::optional(std::string(https_in_list_problem())) : std::nullopt;
}

template <class Map>
std::vector<std::string_view> names_of(const Map& map) {
  std::vector<std::string_view> names;
  names.reserve(map.size());
  for (const auto& [name, ignored] : map) {
    names.push_back(name);
  }
  return names;
}

/// Reads one `[chain.NAME]`.
class ChainReader {
 public:
  ChainReader(const Section& section, const Configuration& known, const ServicePort& service, ChainConfig& chain)
      : section_(section), known_(known), service_(service), chain_(chain) {}

  void read(const DocumentTable& table);

 private:
  /// Where a relay stands in the chain.
  struct Seat {
    Place at;
    std::size_t tier;  ///< from 1; 0 is the fallback
  };

  void read_key(const DocumentEntry& entry);
  void read_tiers(const DocumentEntry& entry);
  void read_tier(const DocumentValue& value, std::vector<std::string>& relays, std::string_view key, std::size_t tier);
  void read_element(const DocumentValue& value, std::vector<std::string>& relays, std::string_view key,
                    std::size_t tier);
  void read_balance(const DocumentEntry& entry);
  void read_rules(const DocumentEntry& entry, std::vector<ChainRule>& rules);
  void read_policy(const DocumentEntry& entry);
  [[nodiscard]] std::optional<std::string> relay_problem(const std::string& name) const;
  [[nodiscard]] std::optional<std::string> nexthop_problem(const std::string& nexthop) const;

  static std::string seat_text(std::size_t tier) {
    return tier == 0 ? std::string("fallback") : fmt::format("tier {}", tier);
  }

  const Section& section_;
  const Configuration& known_;
  const ServicePort& service_;
  ChainConfig& chain_;
  bool misspelt_ = false;  ///< a key was not known
  std::map<std::string_view, Seat> seats_;
};

void ChainReader::read(const DocumentTable& table) {
  bool tiers = false;
  for (const DocumentEntry& entry : table) {
    tiers = tiers || entry.key == "tiers";
    read_key(entry);
  }
  // Where a key was misspelt, what is missing is its consequence.
  if (!tiers && !misspelt_)
    section_.error("there are no tiers; write tiers = [[\"a\", \"b\"], [\"c\"]] with the names of relays");
}

void ChainReader::read_key(const DocumentEntry& entry) {
  const std::string& key = entry.key;
  if (key == "tiers") return read_tiers(entry);
  if (key == "balance") return read_balance(entry);
  if (key == "by_sender") return read_rules(entry, chain_.by_sender);
  if (key == "by_recipient") return read_rules(entry, chain_.by_recipient);
  if (key == "policy") return read_policy(entry);
  if (key != "fallback") {
    misspelt_ = true;
    return section_.unknown_key(entry);
  }
  if (section_.array(entry, kFallbackForm) != nullptr) read_tier(entry.value, chain_.fallback, key, 0);
}

/// `[["a"], ["b"]]` for what somebody wrote without the inner brackets.
std::string tiers_form(const DocumentArray& array) {
  constexpr std::size_t shown_tiers = 4;
  std::string form = "write tiers = [";
  for (std::size_t i = 0; i < std::min(array.size(), shown_tiers); ++i) {
    const auto* const word = std::get_if<std::string>(&array[i].value);
    if (word == nullptr) return std::string(kTiersForm);
    form += fmt::format("{}[\"{}\"]", i == 0 ? "" : ", ", shown(*word));
  }
  return form + (array.size() > shown_tiers ? ", ...]" : "]");
}

void ChainReader::read_tiers(const DocumentEntry& entry) {
  const DocumentArray* const array = section_.array(entry, kTiersForm);
  if (array == nullptr) return;
  if (array->empty())
    return section_.error(entry.value.at, entry.key, fmt::format("the array is empty; {}", kTiersForm));
  for (const DocumentValue& value : *array) {
    if (std::holds_alternative<DocumentArray>(value.value)) continue;
    return section_.error(value.at, entry.key,
                          fmt::format("every tier is an array of its own; {}", tiers_form(*array)));
  }
  chain_.tiers.reserve(array->size());
  for (const DocumentValue& value : *array) {
    std::vector<std::string>& tier = chain_.tiers.emplace_back();
    read_tier(value, tier, entry.key, chain_.tiers.size());
  }
}

void ChainReader::read_tier(const DocumentValue& value, std::vector<std::string>& relays, std::string_view key,
                            std::size_t tier) {
  const DocumentArray& array = std::get<DocumentArray>(value.value);
  if (array.empty() && tier > 0) {
    return section_.error(value.at, key, fmt::format("tier {} is empty; write the names of its relays", tier));
  }
  relays.reserve(array.size());
  for (const DocumentValue& element : array) {
    read_element(element, relays, key, tier);
  }
}

void ChainReader::read_element(const DocumentValue& value, std::vector<std::string>& relays, std::string_view key,
                               std::size_t tier) {
  const std::string* const name = section_.word(value, key, tier == 0 ? kFallbackForm : kTiersForm);
  if (name == nullptr) return;
  if (const auto problem = relay_problem(*name)) return section_.error(value.at, key, *problem);
  const auto [first, fresh] = seats_.try_emplace(*name, Seat{value.at, tier});
  if (fresh) {
    relays.push_back(*name);
    return;
  }
  const auto& [at, where] = first->second;
  section_.error(
      value.at, key,
      fmt::format("\"{}\" is in {} and at line {}, column {} already in {}; a relay has one place in a chain",
                  shown(*name), seat_text(tier), at.line, at.column, seat_text(where)));
}

std::optional<std::string> ChainReader::relay_problem(const std::string& name) const {
  if (known_.relays.contains(name)) return std::nullopt;
  if (!like_destination(name)) {
    return fmt::format("there is no relay \"{}\"{}", shown(name),
                       suggestion(name, names_of(known_.relays),
                                  "write the name of a [relay.NAME] or a destination such as [mail.example.com]:587"));
  }
  const auto list = parse_nexthop(name, service_);
  if (!list) return alone(list.error());
  if (list->size() == 1) return no_https(list->front());
  return fmt::format("\"{}\" is {} destinations; write each in quotes of its own", shown(name), list->size());
}

void ChainReader::read_balance(const DocumentEntry& entry) {
  const std::string* const text = section_.text(entry, kBalanceForm);
  if (text == nullptr) return;
  const std::string meant = lower(*text);
  if (meant == "weight" || meant == "sender") {
    chain_.balance = meant == "sender" ? Balance::Sender : Balance::Weight;
    return;
  }
  section_.error(entry.value.at, entry.key, fmt::format("\"{}\" is not allowed; {}", shown(*text), kBalanceForm));
}

void ChainReader::read_rules(const DocumentEntry& entry, std::vector<ChainRule>& rules) {
  const DocumentTable* const table = section_.table(entry, kRulesForm);
  if (table == nullptr) return;
  rules.reserve(table->size());
  std::set<std::string> patterns;
  for (const DocumentEntry& rule : *table) {
    const std::string* const nexthop = section_.word(rule.value, entry.key, kRuleForm);
    if (nexthop == nullptr) continue;
    auto pattern = parse_address_pattern(rule.key);
    if (!pattern) {
      section_.error(rule.at, entry.key, pattern.error());
    } else if (!patterns.insert(pattern->text()).second) {
      section_.error(rule.at, entry.key, fmt::format("\"{}\" is there already in other letter case", shown(rule.key)));
    } else if (const auto problem = nexthop_problem(*nexthop)) {
      section_.error(rule.value.at, entry.key, *problem);
    } else {
      const ChainConfig* const chain = chain_named(known_, *nexthop);
      rules.push_back({*std::move(pattern), chain != nullptr ? chain->name : *nexthop, rule.at});
    }
  }
}

std::optional<std::string> ChainReader::nexthop_problem(const std::string& nexthop) const {
  const auto found = find_nexthop(known_, nexthop, service_);
  if (found) return std::nullopt;
  if (is_bare_name(nexthop)) {
    return fmt::format("there is no chain \"{}\"{}", shown(nexthop),
                       suggestion(nexthop, names_of(known_.chains),
                                  "write the name of a [chain.NAME] or destinations such as [mail.example.com]:587"));
  }
  return alone(found.error());
}

/// `HOST:PORT`, where HOST may be an IPv6 address in brackets.
bool is_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos || !parse_count(text.substr(colon + 1), 1, 65535)) return false;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) return address_version(host.substr(1, host.size() - 2)).has_value();
  // A name would have to be looked up before every delivery, by a resolver whose time has no limit here.
  return address_version(host) == IpVersion::V4 || host == "localhost";
}

bool is_socket_path(std::string_view path) {
  const bool control =
      std::any_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; });
  return path.size() > 1 && path.front() == '/' && path.size() <= kLongestSocketPath && !control;
}

void ChainReader::read_policy(const DocumentEntry& entry) {
  const std::string* const text = section_.text(entry, kPolicyForm);
  if (text == nullptr) return;
  const std::string_view policy = *text;
  const bool good = (policy.starts_with("unix:") && is_socket_path(policy.substr(5))) ||
                    (policy.starts_with("inet:") && is_host_port(policy.substr(5)));
  if (good) {
    chain_.policy = policy;
    return;
  }
  section_.error(entry.value.at, entry.key,
                 fmt::format("\"{}\" is not a valid policy server; {}", shown(policy), kPolicyForm));
}

}  // namespace

void read_chain(const Section& section, const DocumentTable& table, const Configuration& known,
                const ServicePort& service, ChainConfig& chain) {
  ChainReader(section, known, service, chain).read(table);
}

}  // namespace relaypipe
