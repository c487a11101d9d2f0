#include "config/document_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/printable.h"
#include "base/secret_keys.h"
#include "config/nearest.h"
#include "config/setting_keys.h"
#include "relay/host.h"

namespace relaypipe {
namespace {

constexpr std::string_view kTopKeys[] = {"include", "defaults", "relay", "chain", "on_change", "fleet"};
constexpr std::string_view kRelayKeys[] = {"destination",   "weight",
                                           "senders",       "recipients",
                                           "max_size",      "username",
                                           "password_file", "password_command",
                                           "oauth2",        "sender_dependent",
                                           "provider",      "reply",
                                           "rate",          "quota",
                                           "connections",   "reserve",
                                           "region",        "domain",
                                           "mailbox",       "envelope_sender",
                                           "header_from"};
constexpr std::string_view kOauth2Keys[] = {
    "token_file", "token_command",      "token_endpoint",     "device_endpoint", "authorization_endpoint",
    "client_id",  "client_secret_file", "refresh_token_file", "scope",           "ca_file",
    "grant"};
constexpr std::string_view kChainKeys[] = {"tiers", "fallback", "balance", "by_sender", "by_recipient", "policy"};
constexpr std::string_view kFleetKeys[] = {"url",    "user",    "password_file", "ca_file",
                                           "prefix", "host_id", "when_away",     "timeout"};
constexpr std::string_view kNameOctets = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

constexpr std::string_view kAtTop = "at the top of the file, before the first [section]";
constexpr std::string_view kInRelays = "in [defaults] or [relay.NAME]";

bool contains(std::span<const std::string_view> keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

bool belongs(SettingScope scope, SectionKind kind) {
  if (scope == SettingScope::Global) return kind == SectionKind::Top;
  if (scope == SettingScope::OwnRelay) return kind == SectionKind::Relay;
  if (scope == SettingScope::Everywhere && kind == SectionKind::Top) return true;
  return kind == SectionKind::Defaults || kind == SectionKind::Relay;
}

/// Where a known key may stand; empty for an unknown one.
std::string_view home_of(std::string_view key) {
  if (key == "reply") return kInRelays;
  if (contains(kRelayKeys, key)) return "in [relay.NAME]";
  if (contains(kChainKeys, key)) return "in [chain.NAME]";
  if (contains(kTopKeys, key)) return kAtTop;
  if (contains(kOauth2Keys, key)) return "in [relay.NAME.oauth2]";
  if (contains(kFleetKeys, key)) return "in [fleet]";
  const SettingKey* const setting = find_setting(key);
  if (setting == nullptr) return {};
  if (setting->scope == SettingScope::OwnRelay) return "in the [relay.NAME] it is meant for";
  return setting->scope == SettingScope::Global ? kAtTop : kInRelays;
}

std::string allowed_keys(SectionKind kind) {
  const std::string own = fmt::format("{}", fmt::join(section_keys(kind), ", "));
  if (kind == SectionKind::Chain || kind == SectionKind::Oauth2 || kind == SectionKind::Fleet)
    return "allowed are " + own;
  return "relaypipe.toml(5) lists the keys";
}

struct TypeName {
  std::string_view operator()(const std::string&) const { return "a string"; }
  std::string_view operator()(std::int64_t) const { return "a number"; }
  std::string_view operator()(double) const { return "a number with a fraction"; }
  std::string_view operator()(bool value) const { return value ? "true" : "false"; }
  std::string_view operator()(const DocumentArray&) const { return "an array"; }
  std::string_view operator()(const DocumentTable&) const { return "a table"; }
};

/// The strings of an array as one list; nothing where something else is in it.
std::optional<std::string> joined(const DocumentArray& array) {
  std::string list;
  for (const DocumentValue& value : array) {
    const auto* const word = std::get_if<std::string>(&value.value);
    if (word == nullptr) return std::nullopt;
    list.append(list.empty() ? "" : ", ").append(*word);
  }
  return list;
}

/// The value as the command line would have it; nothing where the type is not one the kind takes.
std::optional<std::string> setting_text(SettingKind kind, const DocumentValue& value) {
  const auto is = [&](std::initializer_list<SettingKind> kinds) {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  };
  using enum SettingKind;
  if (const auto* const text = std::get_if<std::string>(&value.value)) return *text;
  if (const auto* const number = std::get_if<std::int64_t>(&value.value)) {
    // A duration as well: its parser says best that the unit is missing.
    if (is({Count, Octets, Choice, TimeSpan})) return std::to_string(*number);
  }
  if (const auto* const truth = std::get_if<bool>(&value.value)) {
    if (is({YesNo})) return *truth ? "yes" : "no";
  }
  if (const auto* const array = std::get_if<DocumentArray>(&value.value)) {
    if (is({List})) return joined(*array);
  }
  return std::nullopt;
}

}  // namespace

const DocumentEntry* find_entry(const DocumentTable& table, std::string_view key) {
  const auto entry = std::find_if(table.begin(), table.end(), [&](const DocumentEntry& e) { return e.key == key; });
  return entry == table.end() ? nullptr : &*entry;
}

std::span<const std::string_view> section_keys(SectionKind kind) {
  switch (kind) {
    case SectionKind::Top: return kTopKeys;
    case SectionKind::Relay: return kRelayKeys;
    case SectionKind::Chain: return kChainKeys;
    case SectionKind::Oauth2: return kOauth2Keys;
    case SectionKind::Fleet: return kFleetKeys;
    case SectionKind::Defaults: break;
  }
  return {};
}

std::string Section::label() const {
  switch (kind_) {
    case SectionKind::Defaults: return "[defaults]";
    case SectionKind::Relay: return fmt::format("[relay.{}]", shown(name_));
    case SectionKind::Chain: return fmt::format("[chain.{}]", shown(name_));
    case SectionKind::Oauth2: return fmt::format("[relay.{}.oauth2]", shown(name_));
    case SectionKind::Fleet: return "[fleet]";
    case SectionKind::Top: break;
  }
  return {};
}

void Section::report(Place at, std::string text) const {
  problems_.push_back({ConfigProblem::Severity::Error, document_.position(at), std::move(text)});
}

void Section::error(std::string_view text) const { report(at_, fmt::format("{}: {}", label(), text)); }

void Section::error(Place at, std::string_view key, std::string_view text) const {
  error_line(at, fmt::format("{}: {}", shown(key), text));
}

void Section::error_line(Place at, std::string_view text) const {
  const std::string place = label();
  report(at, fmt::format("{}{}{}", place, place.empty() ? "" : " ", text));
}

void Section::wrong_type(Place at, std::string_view key, const DocumentValue& value, std::string_view form) const {
  error(at, key, fmt::format("this is {}; {}", std::visit(TypeName(), value.value), form));
}

void Section::wrong_type(const DocumentEntry& entry, std::string_view form) const {
  wrong_type(entry.value.at, entry.key, entry.value, form);
}

void Section::unknown_key(const DocumentEntry& entry) const {
  const std::string_view home = home_of(entry.key);
  if (!home.empty()) return error(entry.at, entry.key, fmt::format("does not belong here; write it {}", home));
  const bool named = kind_ == SectionKind::Relay || kind_ == SectionKind::Chain;
  const bool misspelt = nearest(entry.key, section_keys(kind_)).has_value();
  if (named && !misspelt && std::holds_alternative<DocumentTable>(entry.value.value)) {
    return error(entry.at, entry.key,
                 "there are no tables in here; write a name with a dot in quotes: [relay.\"a.b\"]");
  }
  const std::span<const std::string_view> own = section_keys(kind_);
  std::vector<std::string_view> known(own.begin(), own.end());
  for (const SettingKey& key : settings_table()) {
    if (belongs(key.scope, kind_)) known.push_back(key.name);
  }
  if (const std::string_view advice = secret_advice(entry.key); !advice.empty() && kind_ == SectionKind::Relay) {
    return error(entry.at, entry.key, fmt::format("unknown key{}", advice));
  }
  error(entry.at, entry.key, "unknown key" + suggestion(entry.key, known, allowed_keys(kind_)));
}

const std::string* Section::text(const DocumentEntry& entry, std::string_view form) const {
  return word(entry.value, entry.key, form);
}

const DocumentTable* Section::table(const DocumentEntry& entry, std::string_view form) const {
  const auto* const table = std::get_if<DocumentTable>(&entry.value.value);
  if (table == nullptr) wrong_type(entry, form);
  return table;
}

const DocumentArray* Section::array(const DocumentEntry& entry, std::string_view form) const {
  const auto* const array = std::get_if<DocumentArray>(&entry.value.value);
  if (array == nullptr) wrong_type(entry, form);
  return array;
}

std::optional<std::string> Section::number(const DocumentEntry& entry, std::string_view form) const {
  std::optional<std::string> text = setting_text(SettingKind::Count, entry.value);
  if (!text) wrong_type(entry, form);
  return text;
}

const std::string* Section::word(const DocumentValue& value, std::string_view key, std::string_view form) const {
  const auto* const text = std::get_if<std::string>(&value.value);
  if (text == nullptr) wrong_type(value.at, key, value, form);
  return text;
}

bool Section::takes(const SettingKey& key) const { return belongs(key.scope, kind_); }

template <class... Halves>
void Section::apply_to(const SettingKey& key, const DocumentEntry& entry, Halves&... halves) const {
  const std::optional<std::string> value = setting_text(key.kind, entry.value);
  if (!value) {
    const auto* const array = std::get_if<DocumentArray>(&entry.value.value);
    const bool list = array != nullptr && key.kind == SettingKind::List;
    return list ? error(entry.value.at, entry.key,
                        "the array holds something that is not a string; put quotes around it")
                : wrong_type(entry, fmt::format("allowed: {}", key.form));
  }
  const auto problem = key.apply(halves..., *value);
  if (!problem) return;
  error(entry.value.at, entry.key, may_hold_secret(key.name) ? without_value(*problem, *value) : *problem);
}

void Section::apply(const SettingKey& key, const DocumentEntry& entry, RunSettings& run, RelaySettings& relay) const {
  apply_to(key, entry, run, relay);
}

void Section::apply(const SettingKey& key, const DocumentEntry& entry, RelaySettings& relay) const {
  apply_to(key, entry, relay);
}

std::optional<std::string> name_problem(std::string_view name) {
  constexpr std::string_view form = "a name has letters, digits, \"-\", \"_\" and \".\"";
  if (name.empty()) return fmt::format("the name is empty; {}", form);
  if (name.find_first_of(":[], \t") != name.npos || address_version(name)) {
    return fmt::format("the name looks like a destination; {}", form);
  }
  if (const std::size_t at = name.find_first_not_of(kNameOctets); at != name.npos) {
    return fmt::format("\"{}\" cannot be in a name; {}", shown(name.substr(at, 1)), form);
  }
  return std::nullopt;
}

std::string alone(std::string_view error) {
  constexpr std::string_view count = "destination 1 of 1, ";
  if (error.starts_with(count)) error.remove_prefix(count.size());
  return std::string(error);
}

bool like_destination(std::string_view text) { return text.find_first_of("[:.") != text.npos; }

std::string suggestion(std::string_view word, std::span<const std::string_view> known, std::string_view otherwise) {
  const std::optional<std::string_view> meant = nearest(word, known);
  return meant ? fmt::format("; did you mean {}?", *meant) : fmt::format("; {}", otherwise);
}

}  // namespace relaypipe
