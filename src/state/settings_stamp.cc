#include "state/settings_stamp.h"

#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace relaypipe {
namespace {

/// With its length, so that no two lists of words look alike.
void add(std::uint64_t& stamp, std::string_view word) {
  std::array<char, 20> digits{};
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), word.size()).ptr;
  stamp = hash_octets({digits.data(), static_cast<std::size_t>(end - digits.data())}, stamp);
  stamp = hash_octets(word, hash_octets(":", stamp));
}

void add(std::uint64_t& stamp, const std::vector<std::string>& words) {
  add(stamp, std::to_string(words.size()));
  for (const std::string& word : words)
    add(stamp, word);
}

void add(std::uint64_t& stamp, std::uint64_t number) { add(stamp, std::to_string(number)); }

void add_tls(std::uint64_t& stamp, const RelaySettings& settings) {
  const TlsSettings& tls = settings.tls_more;
  add(stamp, static_cast<std::uint64_t>(settings.tls));
  add(stamp, static_cast<std::uint64_t>(tls.min_version));
  for (const std::string* const word : {&tls.ca_file, &tls.ca_path, &tls.name, &tls.cert_file, &tls.key_file})
    add(stamp, *word);
  add(stamp, tls.fingerprints);
}

void add_account(std::uint64_t& stamp, const Relay& relay) {
  const AccountConfig& account = relay.account;
  for (const std::string* const word : {&account.username, &account.password_file, &account.password_map})
    add(stamp, *word);
  add(stamp, account.password_command);
  add(stamp, relay.settings->auth_mechanisms);
  add(stamp, relay.settings->allow_plaintext_auth);
  add(stamp, account.oauth2 ? account.oauth2->client_id + " " + account.oauth2->token_endpoint : "");
}

void add_rewriting(std::uint64_t& stamp, const AddressRewriting& rewriting) {
  add(stamp, rewriting.all);
  for (const RewritingRule& rule : rewriting.rules) {
    add(stamp, rule.pattern.text());
    add(stamp, rule.target);
  }
}

}  // namespace

std::uint64_t settings_stamp(const Relay& relay, const RunSettings& run) {
  const RelaySettings& settings = *relay.settings;
  const Destination& destination = relay.destination;
  std::uint64_t stamp = hash_octets("");
  add(stamp, destination.host);
  add(stamp, destination.port);
  add(stamp, static_cast<std::uint64_t>(destination.lookup));
  add(stamp, destination.implicit_tls ? 1 : 0);
  if (destination.https) add(stamp, std::vector{relay.https.region, relay.https.domain, relay.https.mailbox});
  add_tls(stamp, settings);
  add_account(stamp, relay);
  add(stamp, settings.hostname);
  add(stamp, static_cast<std::uint64_t>(settings.client_report));
  add(stamp, static_cast<std::uint64_t>(settings.ip));
  add(stamp, settings.srv ? 1 : 0);
  add(stamp, settings.bind_address);
  add(stamp, run.dns_servers);
  // Without any, the stamp is that of a relay that knew no rewriting.
  if (relay.rewriting.any()) {
    add_rewriting(stamp, relay.rewriting.envelope_sender);
    add_rewriting(stamp, relay.rewriting.header_from);
  }
  return stamp;
}

}  // namespace relaypipe
