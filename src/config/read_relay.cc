#include "config/read_relay.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/printable.h"
#include "config/read_account.h"
#include "config/read_https.h"
#include "config/read_limits.h"
#include "config/read_reply_rules.h"
#include "config/read_rewriting.h"
#include "config/setting_keys.h"
#include "config/settings_problems.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

constexpr std::uint64_t kHeaviest = 1000;
constexpr std::string_view kDestinationForm = "write a destination such as \"[mail.example.com]:587\"";
constexpr std::string_view kWeightForm = "write a whole number from 0 to 1000";
constexpr std::string_view kSizeForm = "write a number of octets such as 1048576 or \"25M\"";

void read_destination(const Section& section, const DocumentEntry& entry, const ServicePort& service,
                      RelayConfig& relay) {
  const std::string* const text = section.text(entry, kDestinationForm);
  if (text == nullptr) return;
  const auto list = parse_nexthop(*text, service);
  if (!list) return section.error(entry.value.at, entry.key, alone(list.error()));
  if (list->size() == 1) {
    relay.destination = list->front();
    return;
  }
  section.error(entry.value.at, entry.key,
                fmt::format("these are {} destinations and a relay has one; write a [relay.NAME] for each and list "
                            "the names in the tiers of a chain",
                            list->size()));
}

void read_weight(const Section& section, const DocumentEntry& entry, RelayConfig& relay) {
  const std::optional<std::string> text = section.number(entry, kWeightForm);
  if (!text) return;
  const auto weight = parse_count(*text, 0, kHeaviest);
  if (!weight) return section.error(entry.value.at, entry.key, weight.error());
  relay.weight = *weight;
}

void read_max_size(const Section& section, const DocumentEntry& entry, RelayConfig& relay) {
  const std::optional<std::string> text = section.number(entry, kSizeForm);
  if (!text) return;
  const auto size = parse_octets(*text);
  if (!size) return section.error(entry.value.at, entry.key, size.error());
  if (*size == 0) {
    return section.error(entry.value.at, entry.key, "0 would refuse every message; leave the key out for no limit");
  }
  relay.max_size = *size;
}

/// Where TLS begins with the connection, a level below encrypt means nothing. Written for this very relay it is a
/// contradiction; as a default for all relays it only means less than this one gives.
void require_tls(const Section& section, const DocumentTable& table, RelayConfig& relay) {
  if (relay.destination.https || !relay.destination.implicit_tls || relay.settings.tls >= TlsLevel::Encrypt) return;
  relay.settings.tls = TlsLevel::Encrypt;
  const DocumentEntry* const own = find_entry(table, "tls");
  const auto* const level = own != nullptr ? std::get_if<std::string>(&own->value.value) : nullptr;
  // A word that is no level at all was reported as that.
  if (level == nullptr || (lower(*level) != "none" && lower(*level) != "may")) return;
  section.error(own->value.at, own->key,
                fmt::format("{} is TLS from the first octet; write tls = \"encrypt\" or \"verify\", or smtp:[host]:{} "
                            "in the destination for STARTTLS on that port",
                            relay.destination.text, relay.destination.port));
}

/// What this relay's own settings made wrong; what was wrong before is told with the defaults.
void check_settings(const Section& section, const DocumentTable& table, const RelaySettings& defaults,
                    const RelayConfig& relay) {
  // What it has from the defaults is told with them, and hardly any relay has more.
  const RelaySettings& own = relay.settings;
  const bool same = own.bind_address == defaults.bind_address && own.ip == defaults.ip &&
                    own.cool_down.least == defaults.cool_down.least && own.cool_down.most == defaults.cool_down.most;
  if (same) return;
  const std::vector<SettingsProblem> before = settings_problems(defaults);
  for (const SettingsProblem& problem : settings_problems(relay.settings)) {
    if (std::find(before.begin(), before.end(), problem) != before.end()) continue;
    const DocumentEntry* set = find_entry(table, problem.keys[0]);
    if (set == nullptr) set = find_entry(table, problem.keys[1]);
    // Otherwise -o made it, and it is told with the command line.
    if (set != nullptr) section.error_line(set->value.at, problem.text);
  }
}

void read_patterns(const Section& section, const DocumentEntry& entry, std::vector<AddressPattern>& patterns) {
  constexpr std::string_view form = "write an array of patterns such as [\"@example.com\", \"<>\"]";
  const DocumentArray* const array = section.array(entry, form);
  if (array == nullptr) return;
  if (array->empty()) {
    return section.error(entry.value.at, entry.key, "the array is empty; leave the key out to allow all addresses");
  }
  patterns.reserve(array->size());
  for (const DocumentValue& value : *array) {
    const std::string* const text = section.word(value, entry.key, form);
    if (text == nullptr) continue;
    auto pattern = parse_address_pattern(*text);
    if (pattern) {
      patterns.push_back(*std::move(pattern));
    } else {
      section.error(value.at, entry.key, pattern.error());
    }
  }
}

void apply_overrides(RelaySettings& settings, std::span<const std::string> overrides) {
  for (const std::string& assignment : overrides) {
    // Reported once, where the global settings are made.
    static_cast<void>(apply_setting(settings, assignment));
  }
}

bool is_relay_key(std::string_view key) {
  const auto own = section_keys(SectionKind::Relay);
  return std::find(own.begin(), own.end(), key) != own.end() || find_setting(key) != nullptr;
}

/// Keys that have a file of their own.
struct KeyReader {
  bool (*takes)(std::string_view key);
  void (*read)(const Section& section, const DocumentEntry& entry, RelayConfig& relay);
};

constexpr std::array kKeyReaders{KeyReader{is_account_key, read_account_key},
                                 KeyReader{is_rewriting_key, read_rewriting_key},
                                 KeyReader{is_limit_key, read_limit_key}, KeyReader{is_https_key, read_https_key}};

void read_key(const Section& section, const DocumentEntry& entry, const ServicePort& service, RelayConfig& relay) {
  const std::string& key = entry.key;
  if (key == "destination") return read_destination(section, entry, service, relay);
  if (key == "weight") return read_weight(section, entry, relay);
  if (key == "max_size") return read_max_size(section, entry, relay);
  if (key == "senders") return read_patterns(section, entry, relay.senders);
  if (key == "recipients") return read_patterns(section, entry, relay.recipients);
  for (const KeyReader& reader : kKeyReaders) {
    if (reader.takes(key)) return reader.read(section, entry, relay);
  }
  if (key == "reply") return read_reply_rules(section, entry, relay.replies);
  const SettingKey* const setting = find_setting(key);
  if (setting == nullptr || !section.takes(*setting)) return section.unknown_key(entry);
  section.apply(*setting, entry, relay.settings);
}

}  // namespace

void read_relay(const Section& section, const DocumentTable& table, const RelayContext& context, RelayConfig& relay) {
  relay.settings = context.defaults;
  for (const DocumentEntry& entry : table) {
    read_key(section, entry, context.service, relay);
  }
  relay.replies.insert(relay.replies.end(), context.replies.begin(), context.replies.end());
  // Where a key was misspelt, what is missing is its consequence.
  const auto known = [](const DocumentEntry& entry) { return is_relay_key(entry.key); };
  if (find_entry(table, "destination") == nullptr && std::all_of(table.begin(), table.end(), known)) {
    section.error("there is no destination; write destination = \"[mail.example.com]:587\"");
  }
  check_settings(section, table, context.defaults, relay);
  require_tls(section, table, relay);
  apply_overrides(relay.settings, context.overrides);
  complete_https(section, table, relay);
  if (relay.destination.implicit_tls) relay.settings.tls = std::max(relay.settings.tls, TlsLevel::Encrypt);
  complete_account(section, table, relay);
  complete_limits(section, table, relay);
}

}  // namespace relaypipe
