#include "io/credentials/stamp.h"

#include <string>

#include "base/hash.h"
#include "io/base/file_stamp.h"
#include "io/credentials/file.h"
#include "state/settings_stamp.h"

namespace relaypipe {
namespace {

std::uint64_t add_file(std::uint64_t seed, const std::string& path) {
  if (path.empty()) return seed;
  const auto file = expand_secret_path(path);
  return hash_octets((file ? file_stamp(*file) : "") + "\n", seed);
}

}  // namespace

std::uint64_t account_stamp(const AccountConfig& account) {
  std::uint64_t stamp = hash_octets(account.username);
  for (const std::string& word : account.password_command)
    stamp = hash_octets(word, stamp);
  for (const std::string* const file : {&account.password_file, &account.password_map})
    stamp = add_file(stamp, *file);
  if (!account.oauth2) return stamp;
  const Oauth2Config& oauth2 = *account.oauth2;
  for (const std::string& word : oauth2.token_command)
    stamp = hash_octets(word, stamp);
  for (const std::string* const file : {&oauth2.token_file, &oauth2.client_secret_file, &oauth2.refresh_token_file})
    stamp = add_file(stamp, *file);
  return hash_octets(oauth2.client_id, stamp);
}

std::uint64_t relay_stamp(const Relay& relay, const RunSettings& run) {
  std::uint64_t stamp = settings_stamp(relay, run);
  const TlsSettings& tls = relay.settings->tls_more;
  for (const std::string* const file : {&tls.ca_file, &tls.ca_path, &tls.cert_file, &tls.key_file})
    stamp = add_file(stamp, *file);
  return stamp;
}

}  // namespace relaypipe
