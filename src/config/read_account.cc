#include "config/read_account.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "base/printable.h"
#include "config/key_places.h"
#include "config/read_oauth2.h"
#include "config/setting_values.h"
#include "http/provider_api.h"
#include "relay/host.h"
#include "relay/protection.h"
#include "relay/provider.h"

namespace relaypipe {
namespace {

constexpr std::string_view kSources = "password_file, password_command, password_map or [relay.NAME.oauth2]";

void read_username(const Section& section, const DocumentEntry& entry, AccountConfig& account) {
  const std::string* const text = section.text(entry, "write a string");
  if (text == nullptr) return;
  const bool control = std::any_of(text->begin(), text->end(),
                                   [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; });
  if (text->empty() || text->size() > 255 || control) {
    return section.error(entry.value.at, entry.key,
                         "write 1 to 255 octets without control characters; leave the key out for no account");
  }
  account.username = *text;
}

void read_sender_dependent(const Section& section, const DocumentEntry& entry, AccountConfig& account) {
  const auto* const truth = std::get_if<bool>(&entry.value.value);
  if (truth == nullptr) return section.wrong_type(entry, "write true or false");
  account.sender_dependent = *truth;
}

void read_provider(const Section& section, const DocumentEntry& entry, RelayConfig& relay) {
  const std::string* const text = section.text(entry, "write the name of a provider such as \"gmail\"");
  if (text == nullptr) return;
  relay.provider = lower(*text);
  if (find_provider(relay.provider) != nullptr) return;
  relay.provider.clear();
  std::vector<std::string_view> names;
  for (const Provider& provider : providers())
    names.push_back(provider.name);
  section.error(entry.value.at, entry.key,
                fmt::format("the value is not a provider we know{}",
                            suggestion(lower(*text), names, fmt::format("known are {}", fmt::join(names, ", ")))));
}

/// The sources of the secret that stand in the table, in its order.
std::vector<const DocumentEntry*> sources_in(const DocumentTable& table) {
  constexpr std::array<std::string_view, 4> kKeys{"password_file", "password_command", "password_map", "oauth2"};
  std::vector<const DocumentEntry*> found;
  for (const DocumentEntry& entry : table) {
    if (std::find(kKeys.begin(), kKeys.end(), entry.key) != kKeys.end()) found.push_back(&entry);
  }
  return found;
}

/// One secret and one name for it. `named`: it needs none that is written. False where that is not so; it was reported.
bool judge_sources(const Section& section, const DocumentTable& table, bool named) {
  const std::vector<const DocumentEntry*> sources = sources_in(table);
  const DocumentEntry* const username = find_entry(table, "username");
  if (sources.size() > 1) {
    section.error(sources[1]->at, sources[1]->key,
                  fmt::format("{} gives the secret already; write only one of them", sources[0]->key));
    return false;
  }
  const bool map = !sources.empty() && sources[0]->key == "password_map";
  if (map && username != nullptr) {
    section.error(username->at, username->key, "password_map has the usernames; leave one of the two out");
    return false;
  }
  if (username != nullptr && sources.empty()) {
    section.error(username->at, username->key, fmt::format("there is no secret for it; write {}", kSources));
    return false;
  }
  if (username == nullptr && !sources.empty() && !map && !named) {
    section.error(sources[0]->at, sources[0]->key, "there is no username; write username = \"...\"");
    return false;
  }
  return true;
}

void judge_sender_dependent(const Section& section, const DocumentTable& table, AccountConfig& account) {
  const DocumentEntry* const dependent = find_entry(table, "sender_dependent");
  if (!account.sender_dependent || find_entry(table, "password_map") != nullptr) return;
  account.sender_dependent = false;
  section.error(dependent->at, dependent->key,
                "needs a password_map in this very relay, because no other relay may be offered its accounts");
}

/// The level the session will need at the host as it is written. The address of a name is not known yet, nor the host
/// that MX lookup will name; the session asks again.
TlsLevel level_needed(const RelayConfig& relay) {
  const std::string& host = relay.destination.host;
  return tls_policy(relay.destination, relay.settings, {host, host == "localhost" ? "127.0.0.1" : host, true});
}

/// The administrator has named a host, and which ones there are only MX lookup tells.
bool known_later(const RelayConfig& relay) {
  const std::string& allowed = relay.settings.allow_plaintext_auth;
  return !allowed.empty() && allowed != "yes" && relay.destination.lookup != Lookup::Address;
}

/// A level below verify that stands beside an account: only a pinned key, or the administrator's word for this very
/// host, make up for the certificate.
void judge_level(const Section& section, const DocumentTable& table, const RelayConfig& relay) {
  const DocumentEntry* const level = find_entry(table, "tls");
  if (level == nullptr || known_later(relay) || level_needed(relay) <= relay.settings.tls) return;
  const bool loopback = relay.settings.allow_plaintext_auth == "yes";
  section.error(level->value.at, level->key,
                fmt::format("does not protect the account of this relay; write tls = \"verify\", or tls = \"encrypt\" "
                            "with tls_fingerprint, or leave the account out{}",
                            loopback ? " (allow_plaintext_auth = true counts for [127.0.0.1], [ipv6:::1] and "
                                       "[localhost]; write the name of the host instead of true)"
                                     : ""));
}

/// Where the relay itself does not say how it is protected, its account does.
void raise_level(const DocumentTable& table, RelayConfig& relay) {
  const bool lifted = level_needed(relay) <= relay.settings.tls && relay.settings.tls_more.fingerprints.empty();
  if (find_entry(table, "tls") == nullptr && !known_later(relay) && !lifted) relay.settings.tls = TlsLevel::Verify;
}

/// What keeps an account from being one of an HTTPS interface, and where that is; nothing where it will do.
std::optional<std::pair<const DocumentEntry*, std::string>> https_account_problem(const DocumentTable& table,
                                                                                  const ProviderApi& api,
                                                                                  const AccountConfig& account) {
  const DocumentEntry* const oauth2 = find_entry(table, "oauth2");
  const DocumentEntry* const destination = find_entry(table, "destination");
  const auto sources = sources_in(table);
  const auto problem = [&](const DocumentEntry* at, std::string_view words) {
    return std::pair(at, fmt::format("{} {}", api.provider, words));
  };
  if (api.auth != ApiAuth::Bearer) {
    if (oauth2 != nullptr) return problem(oauth2, "takes no OAuth2 token; write username and password_file");
    if (!sources.empty() || !account.password_map.empty()) return std::nullopt;
    return problem(destination, "needs an account; write password_file or password_command");
  }
  if (oauth2 != nullptr) return std::nullopt;
  if (sources.empty()) return problem(destination, "needs a token; write [relay.NAME.oauth2]");
  return problem(sources[0], "takes no password over HTTPS; write [relay.NAME.oauth2]");
}

/// What an HTTPS interface is told who asks with: a token, or a name and a secret. The name may be left out.
void complete_https_account(const Section& section, const DocumentTable& table, const ProviderApi& api,
                            RelayConfig& relay) {
  AccountConfig& account = relay.account;
  if (const auto problem = https_account_problem(table, api, account)) {
    const auto& [entry, words] = *problem;
    return section.error(entry->key == "destination" ? entry->value.at : entry->at, entry->key, words);
  }
  const auto sources = sources_in(table);
  if (sources.empty() || sources[0]->key == "password_map" || !account.username.empty()) return;
  switch (api.auth) {
    case ApiAuth::Basic: account.username = "api"; break;
    case ApiAuth::SigV4: account.key_pair = true; break;
    case ApiAuth::Bearer:  // its name is in the token
      account.username = relay.https.mailbox.empty() ? std::string(api.provider) : relay.https.mailbox;
  }
}

std::string plain_path(const std::string& path) { return std::filesystem::path(path).lexically_normal().string(); }

}  // namespace

bool is_account_key(std::string_view key) {
  constexpr std::array<std::string_view, 6> kKeys{"username",         "password_file", "password_command",
                                                  "sender_dependent", "provider",      "oauth2"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

void read_account_key(const Section& section, const DocumentEntry& entry, RelayConfig& relay) {
  const std::string& key = entry.key;
  AccountConfig& account = relay.account;
  if (key == "username") return read_username(section, entry, account);
  if (key == "password_file") return read_secret_path(section, entry, account.password_file);
  if (key == "password_command") return read_command(section, entry, account.password_command);
  if (key == "sender_dependent") return read_sender_dependent(section, entry, account);
  if (key == "provider") return read_provider(section, entry, relay);
  if (key == "oauth2") return read_oauth2(section, entry, account);
}

void complete_account(const Section& section, const DocumentTable& table, RelayConfig& relay) {
  AccountConfig& account = relay.account;
  judge_sender_dependent(section, table, account);
  const ProviderApi* const api = relay.destination.https ? find_provider_api(relay.provider) : nullptr;
  if (!judge_sources(section, table, api != nullptr)) return;
  // The map of [defaults] or of the command line is for relays without an account of their own.
  if (!account.certain()) account.password_map = relay.settings.password_map;
  if (api != nullptr) complete_https_account(section, table, *api, relay);
  if (const DocumentEntry* const oauth2 = find_entry(table, "oauth2")) {
    const Provider* const provider = provider_of(relay.provider, relay.destination.host);
    complete_oauth2(section, *oauth2, {provider, api != nullptr ? api->token_scope : ""}, account);
  }
  if (account.certain() || find_entry(table, "password_map") != nullptr) judge_level(section, table, relay);
  if (account.certain()) raise_level(table, relay);
}

void find_shared_maps(const Configuration& configuration, std::span<const Document> documents,
                      std::vector<ConfigProblem>& problems) {
  std::map<std::string, const RelayConfig*> first;
  for (const auto& [name, relay] : configuration.relays) {
    if (!relay.account.sender_dependent || relay.account.password_map.empty()) continue;
    const auto [other, fresh] = first.try_emplace(plain_path(relay.account.password_map), &relay);
    if (fresh) continue;
    const RelayConfig* earlier = other->second;
    problems.push_back({ConfigProblem::Severity::Error, key_position(documents, relay.at, "password_map"),
                        fmt::format("[relay.{}] password_map: [relay.{}] has the same file and both are "
                                    "sender_dependent, so that each would be offered the accounts of the other; give "
                                    "each a file of its own",
                                    shown(name), shown(earlier->name))});
  }
}

}  // namespace relaypipe
