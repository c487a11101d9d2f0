#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/document.h"
#include "config/fleet_config.h"
#include "relay/account.h"
#include "relay/address_pattern.h"
#include "relay/address_rewriting.h"
#include "relay/destination.h"
#include "relay/https_settings.h"
#include "relay/limits.h"
#include "relay/relay_settings.h"
#include "relay/reply_rule.h"
#include "relay/run_settings.h"

namespace relaypipe {

/// What is wrong with a configuration, and where. The text says what is allowed, and the nearest known word where one
/// is meant.
struct ConfigProblem {
  enum class Severity { Warning, Error } severity = Severity::Error;
  Position at;
  std::string text;

  /// `relaypipe.toml:12:3: error: …`
  [[nodiscard]] std::string line() const;
};

/// `[relay.NAME]`: one server and the account used on it.
struct RelayConfig {
  std::string name;
  Position at;
  Destination destination;
  RelaySettings settings;                  ///< a copy of the defaults, since any may be its own
  std::uint64_t weight = 1;                ///< its share inside a tier
  std::vector<AddressPattern> senders;     ///< may carry only these; empty: any
  std::vector<AddressPattern> recipients;  ///< may carry only these; empty: any
  std::optional<std::uint64_t> max_size;   ///< octets of the largest message it may carry
  AccountConfig account;
  std::string provider;            ///< empty: recognised by the host
  std::vector<ReplyRule> replies;  ///< its own, then those of `[defaults]`
  Limits limits;                   ///< `rate`, `quota`, `connections` and `reserve`
  HttpsSettings https;             ///< of a destination with `https:`
  SenderRewriting rewriting;       ///< `envelope_sender` and `header_from`
};

enum class Balance {
  Weight,  ///< drawn anew for every message
  Sender,  ///< one sender stays with one relay while it is there (rendezvous hashing)
};

/// A rule of `by_sender` or `by_recipient`: where matching mail goes instead, a chain or a list of destinations.
struct ChainRule {
  AddressPattern pattern;
  std::string nexthop;
  Place at;  ///< in the file of its chain
};

/// `[chain.NAME]`: relays in tiers.
struct ChainConfig {
  std::string name;
  Position at;
  std::vector<std::vector<std::string>> tiers;  ///< names of relays, or destinations written out
  std::vector<std::string> fallback;            ///< the last tier; not for domains this host is an MX of
  Balance balance = Balance::Weight;
  std::vector<ChainRule> by_sender;
  std::vector<ChainRule> by_recipient;
  std::string policy;  ///< `unix:PATH` or `inet:ADDRESS:PORT`; empty: none
};

/// Everything a configuration file says. Without a file, the defaults serve.
struct Configuration {
  RunSettings run;                     ///< what no relay has for itself
  RelaySettings relay_defaults;        ///< also hold for relays that are written in a nexthop
  std::vector<ReplyRule> replies;      ///< of `[defaults]`
  std::vector<std::string> on_change;  ///< argv of what is told when a relay goes down or comes back; empty: nobody
  std::optional<FleetConfig> fleet;    ///< `[fleet]`: what is shared with other hosts; nothing: nothing is
  std::string missing_file;            ///< the file that was looked for and is not there; empty: it was read
  std::map<std::string, RelayConfig, std::less<>> relays;
  std::map<std::string, ChainConfig, std::less<>> chains;

  [[nodiscard]] const ChainConfig* chain(std::string_view name) const;
  [[nodiscard]] const RelayConfig* relay(std::string_view name) const;
};

/// The first Error, or nullptr where the configuration may be used.
const ConfigProblem* first_error(const std::vector<ConfigProblem>& problems);

/// By file, line and column.
void sort_problems(std::vector<ConfigProblem>& problems);

/// Reads the documents of one configuration (the main file first, then the included ones) on top of the built-in
/// defaults. `overrides` are assignments `name=value` of the command line: they win everywhere, over a relay's
/// own settings too. Every problem is reported, not only the first; with an Error among them the configuration must not
/// be used.
///
/// Unknown keys, wrong types, impossible values, unknown relays and chains, a relay twice in one chain, a chain or
/// relay named like a destination, chains that lead back to themselves, implicit TLS with a level below encrypt are
/// errors; relays that no chain uses are warnings.
Configuration read_configuration(const std::vector<Document>& documents, const ServicePort& service,
                                 std::span<const std::string> overrides, std::vector<ConfigProblem>& problems);

}  // namespace relaypipe
