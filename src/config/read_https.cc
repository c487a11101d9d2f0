#include "config/read_https.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/printable.h"
#include "base/text.h"
#include "http/provider_api.h"
#include "relay/host.h"
#include "relay/provider.h"

namespace relaypipe {
namespace {

constexpr std::size_t kLongestWord = 255;

struct HttpsKey {
  std::string_view name;
  std::string HttpsSettings::*field;
  std::string_view example;
  std::string_view octets;  ///< beside letters and digits
};
constexpr std::array<HttpsKey, 3> kKeys{{{"region", &HttpsSettings::region, "eu-west-1", "-"},
                                         {"domain", &HttpsSettings::domain, "mg.example.com", "-_."},
                                         {"mailbox", &HttpsSettings::mailbox, "alerts@example.com", "-_.+'@"}}};

/// Keys of a relay that speak of SMTP alone.
constexpr std::array<std::string_view, 5> kSmtpKeys{"auth_mechanisms", "allow_plaintext_auth", "discard_ehlo_keywords",
                                                    "client_report", "srv"};

const HttpsKey* find_key(std::string_view name) {
  const auto* const found = std::find_if(kKeys.begin(), kKeys.end(), [&](const HttpsKey& k) { return k.name == name; });
  return found == kKeys.end() ? nullptr : found;
}

bool is_word(std::string_view text, std::string_view more) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  return !text.empty() && text.size() <= kLongestWord && made_of(std::string(kPlain).append(more), text);
}

std::string known_interfaces() {
  std::vector<std::string_view> names;
  for (const ProviderApi& api : provider_apis())
    names.push_back(api.provider);
  return fmt::format("{}", fmt::join(names, ", "));
}

/// One relay with `https:` while it is completed.
class Completion {
 public:
  Completion(const Section& section, const DocumentTable& table, RelayConfig& relay)
      : section_(section), table_(table), relay_(relay), destination_(*find_entry(table, "destination")) {}

  void run() {
    // Whatever else is wrong: nothing weaker than a verified certificate is ever used.
    relay_.settings.tls = TlsLevel::Verify;
    judge_smtp_keys();
    const ProviderApi* const api = find_api();
    if (api == nullptr) return;
    relay_.provider = api->provider;
    judge_needs(*api);
    complete_host(*api);
    complete_size(*api);
  }

 private:
  void error(std::string_view text) const { section_.error(destination_.value.at, destination_.key, text); }

  /// The interface of the provider that is written, or whose host it is.
  const ProviderApi* find_api() {
    const RecognisedApi recognised = recognise_api(relay_.destination.host);
    if (relay_.https.region.empty()) relay_.https.region = recognised.region;
    if (relay_.provider.empty() && recognised.api == nullptr) {
      error(fmt::format("whose interface is at {}? write provider = \"NAME\"; those with one are {}",
                        relay_.destination.host.empty() ? "https:" : relay_.destination.host, known_interfaces()));
      return nullptr;
    }
    if (relay_.provider.empty()) return recognised.api;
    const ProviderApi* const named = find_provider_api(relay_.provider);
    if (named == nullptr) {
      error(
          fmt::format("{} has no interface that takes a message as it is (those with one are {}); write its SMTP host",
                      relay_.provider, known_interfaces()));
      return nullptr;
    }
    if (recognised.api == nullptr || recognised.api == named) return named;
    error(fmt::format("{} is a host of {}, and provider is {}", relay_.destination.host, recognised.api->provider,
                      named->provider));
    return nullptr;
  }

  void judge_needs(const ProviderApi& api) const {
    for (const HttpsKey& key : kKeys) {
      const DocumentEntry* const entry = find_entry(table_, key.name);
      if (entry != nullptr && api.needs != key.name)
        section_.error(entry->at, entry->key, fmt::format("means nothing to {}; leave it out", api.provider));
      if (api.needs == key.name && entry == nullptr && (relay_.https.*key.field).empty())
        error(fmt::format("{} needs a {}; write {} = \"{}\"", api.provider, key.name, key.name, key.example));
    }
  }

  void complete_host(const ProviderApi& api) {
    if (!relay_.destination.host.empty()) return;
    relay_.destination.host = api_host(api, relay_.https);
    relay_.destination.text = "https:" + relay_.destination.host;
  }

  /// What the interface does not take is known before the message is.
  void complete_size(const ProviderApi& api) {
    const std::uint64_t most = max_message(api);
    relay_.max_size = std::min(relay_.max_size.value_or(most), most);
  }

  void judge_smtp_keys() const {
    for (const std::string_view key : kSmtpKeys) {
      const DocumentEntry* const entry = find_entry(table_, key);
      if (entry != nullptr)
        section_.error(entry->at, entry->key, "speaks of SMTP, and this relay of HTTPS; leave it out");
    }
    const DocumentEntry* const level = find_entry(table_, "tls");
    const auto* const word = level == nullptr ? nullptr : std::get_if<std::string>(&level->value.value);
    // A word that is no level at all was reported as that.
    if (word == nullptr || (lower(*word) != "none" && lower(*word) != "may" && lower(*word) != "encrypt")) return;
    section_.error(level->value.at, level->key,
                   "over HTTPS the certificate is always verified; leave tls out, or write tls = \"verify\"");
  }

  const Section& section_;
  const DocumentTable& table_;
  RelayConfig& relay_;
  const DocumentEntry& destination_;
};

}  // namespace

bool is_https_key(std::string_view key) { return find_key(key) != nullptr; }

void read_https_key(const Section& section, const DocumentEntry& entry, RelayConfig& relay) {
  const HttpsKey& key = *find_key(entry.key);
  const std::string form = fmt::format("write a value such as \"{}\"", key.example);
  const std::string* const text = section.text(entry, form);
  if (text == nullptr) return;
  if (!is_word(*text, key.octets)) {
    return section.error(entry.value.at, entry.key,
                         fmt::format("\"{}\" is not a valid {}; {}", shown(*text), key.name, form));
  }
  relay.https.*key.field = *text;
}

void complete_https(const Section& section, const DocumentTable& table, RelayConfig& relay) {
  if (relay.destination.https) return Completion(section, table, relay).run();
  if (relay.destination.text.empty()) return;  // it was reported
  for (const HttpsKey& key : kKeys) {
    const DocumentEntry* const entry = find_entry(table, key.name);
    if (entry == nullptr) continue;
    section.error(entry->at, entry->key,
                  "is for a provider's HTTPS interface; write destination = \"https:\", or leave it out");
  }
}

std::string_view https_in_list_problem() {
  return "an https: relay needs an account; write it as a [relay.NAME] of relaypipe.toml, and that name into the tiers "
         "of a chain";
}

}  // namespace relaypipe
