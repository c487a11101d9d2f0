#include "config/read_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <tuple>

#include "base/printable.h"
#include "config/limit_text.h"
#include "relay/host.h"
#include "relay/provider.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

constexpr std::array<std::string_view, 4> kKeys{"rate", "quota", "connections", "reserve"};
constexpr std::string_view kRateForm = "write a string such as \"14/s\", or \"none\"";
constexpr std::string_view kQuotaForm = "write a limit such as \"10000 recipients/24h\", an array of them, or \"none\"";
constexpr std::string_view kConnectionsForm = "write a whole number from 1 to 10000, or 0 for no limit";
constexpr std::string_view kReserveForm = "write { percent = 10, for = [\"@alerts.example.com\"] }";
constexpr std::string_view kPercentForm = "write a whole number from 1 to 99";
constexpr std::string_view kUrgentForm = "write an array of senders such as [\"@alerts.example.com\", \"<>\"]";
constexpr std::uint64_t kMostConnections = 10'000;

/// Whether two limits count the same over the same time, however they are written: the smaller one alone acts then.
bool same_measure(const LimitRule& a, const LimitRule& b) {
  return std::tie(a.is_rate, a.counted, a.period, a.window, a.zone) ==
         std::tie(b.is_rate, b.counted, b.period, b.window, b.zone);
}

/// Adds one limit, unless something is wrong with it; that is reported.
void add_limit(const Section& section, const DocumentEntry& entry, const DocumentValue& value, bool is_rate,
               RelayConfig& relay) {
  const std::string* const text = section.word(value, entry.key, is_rate ? kRateForm : kQuotaForm);
  if (text == nullptr) return;
  auto rule = parse_limit(*text);
  if (!rule) return section.error(value.at, entry.key, rule.error());
  rule->is_rate = is_rate;
  rule->at = section.position(value.at);
  if (is_rate && rule->period != Period::Rolling) {
    return section.error(value.at, entry.key,
                         fmt::format("\"{}\" is a quota; write it as quota, or a rate such as \"14/s\"", shown(*text)));
  }
  const auto& rules = relay.limits.rules;
  const auto same =
      std::find_if(rules.begin(), rules.end(), [&](const LimitRule& other) { return same_measure(other, *rule); });
  if (same != rules.end()) {
    return section.error(value.at, entry.key,
                         fmt::format("\"{}\" counts the same over the same time as \"{}\"; write only the smaller one",
                                     shown(*text), shown(same->text)));
  }
  relay.limits.rules.push_back(*std::move(rule));
}

bool is_none(const DocumentValue& value) {
  const auto* const text = std::get_if<std::string>(&value.value);
  return text != nullptr && lower(*text) == "none";
}

void read_quota(const Section& section, const DocumentEntry& entry, RelayConfig& relay) {
  const auto* const array = std::get_if<DocumentArray>(&entry.value.value);
  if (array == nullptr) {
    if (!is_none(entry.value)) add_limit(section, entry, entry.value, false, relay);
    return;
  }
  if (array->empty()) {
    return section.error(entry.value.at, entry.key, "the array is empty; write quota = \"none\" for no limit");
  }
  for (const DocumentValue& value : *array)
    add_limit(section, entry, value, false, relay);
}

void read_connections(const Section& section, const DocumentEntry& entry, RelayConfig& relay) {
  const auto text = section.number(entry, kConnectionsForm);
  if (!text) return;
  const auto count = parse_count(*text, 0, kMostConnections);
  if (!count) return section.error(entry.value.at, entry.key, count.error());
  relay.limits.connections = *count;
}

void read_percent(const Section& section, const DocumentEntry& entry, ReserveRule& reserve) {
  const auto* const number = std::get_if<std::int64_t>(&entry.value.value);
  if (number == nullptr) return section.wrong_type(entry.value.at, "reserve: percent", entry.value, kPercentForm);
  if (*number < 1 || *number > 99) {
    return section.error(entry.value.at, "reserve: percent",
                         fmt::format("{} is out of range; {}", *number, kPercentForm));
  }
  reserve.percent = static_cast<std::uint64_t>(*number);
}

void read_urgent(const Section& section, const DocumentEntry& entry, ReserveRule& reserve) {
  const auto* const array = std::get_if<DocumentArray>(&entry.value.value);
  if (array == nullptr) return section.wrong_type(entry.value.at, "reserve: for", entry.value, kUrgentForm);
  if (array->empty()) {
    return section.error(entry.value.at, "reserve: for", fmt::format("the array is empty; {}", kUrgentForm));
  }
  for (const DocumentValue& value : *array) {
    const std::string* const text = section.word(value, "reserve: for", kUrgentForm);
    if (text == nullptr) continue;
    auto pattern = parse_address_pattern(*text);
    if (pattern)
      reserve.senders.push_back(*std::move(pattern));
    else
      section.error(value.at, "reserve: for", pattern.error());
  }
}

void read_reserve(const Section& section, const DocumentEntry& entry, RelayConfig& relay) {
  const DocumentTable* const table = section.table(entry, kReserveForm);
  if (table == nullptr) return;
  constexpr std::array<std::string_view, 2> kReserveKeys{"percent", "for"};
  ReserveRule& reserve = relay.limits.reserve;
  for (const DocumentEntry& part : *table) {
    if (part.key == "percent") {
      read_percent(section, part, reserve);
    } else if (part.key == "for") {
      read_urgent(section, part, reserve);
    } else {
      section.error(part.at, "reserve",
                    fmt::format("unknown key {}{}", clip(printable(part.key), 60),
                                suggestion(part.key, kReserveKeys, "a reserve has percent and for")));
    }
  }
  for (const std::string_view key : kReserveKeys) {
    if (find_entry(*table, key) == nullptr) {
      section.error(entry.value.at, "reserve", fmt::format("there is no {}; {}", key, kReserveForm));
    }
  }
}

/// A reserve is a part of a quota, and not the whole of it: other mail would wait for ever.
void judge_reserve(const Section& section, const DocumentTable& table, const Limits& limits) {
  const DocumentEntry* const entry = find_entry(table, "reserve");
  if (entry == nullptr) return;
  bool quota = false;
  for (const LimitRule& rule : limits.rules) {
    if (rule.is_rate) continue;
    quota = true;
    if (limits.reserve.kept_of(rule.count) < rule.count) continue;
    section.error(entry->at, entry->key,
                  fmt::format("{} percent of \"{}\" leave nothing for other mail; keep less, or write a larger quota",
                              limits.reserve.percent, shown(rule.text)));
  }
  // A quota that could not be read was reported as that.
  const DocumentEntry* const written = find_entry(table, "quota");
  if (quota || (written != nullptr && !is_none(written->value))) return;
  section.error(entry->at, entry->key, "there is no quota to keep a part of; write quota = \"500/24h\"");
}

}  // namespace

bool is_limit_key(std::string_view key) { return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end(); }

void read_limit_key(const Section& section, const DocumentEntry& entry, RelayConfig& relay) {
  if (entry.key == "quota") return read_quota(section, entry, relay);
  if (entry.key == "connections") return read_connections(section, entry, relay);
  if (entry.key == "reserve") return read_reserve(section, entry, relay);
  if (entry.key == "rate" && !is_none(entry.value)) add_limit(section, entry, entry.value, true, relay);
}

Limits provider_limits(std::string_view name) {
  Limits limits;
  const Provider* const provider = find_provider(name);
  if (provider == nullptr) return limits;
  for (const std::string_view text : {provider->rate, provider->quota}) {
    auto rule = text.empty() ? Result<LimitRule, std::string>(fail(std::string())) : parse_limit(text);
    if (!rule) continue;
    rule->is_rate = text == provider->rate;
    limits.rules.push_back(*std::move(rule));
  }
  if (const auto count = parse_count(provider->connections, 1, kMostConnections)) limits.connections = *count;
  return limits;
}

void complete_limits(const Section& section, const DocumentTable& table, RelayConfig& relay) {
  const Provider* const recognised = provider_of(relay.provider, relay.destination.host);
  const Limits published = provider_limits(recognised == nullptr ? "" : recognised->name);
  for (const LimitRule& rule : published.rules) {
    if (find_entry(table, rule.is_rate ? "rate" : "quota") == nullptr) relay.limits.rules.push_back(rule);
  }
  if (find_entry(table, "connections") == nullptr) relay.limits.connections = published.connections;
  judge_reserve(section, table, relay.limits);
}

}  // namespace relaypipe
