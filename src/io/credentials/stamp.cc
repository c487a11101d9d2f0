#include "io/credentials/stamp.h"

#include <sys/stat.h>

#include <string>

#include "base/hash.h"
#include "io/credentials/file.h"

namespace relaypipe {
namespace {

std::uint64_t add_number(std::uint64_t seed, std::uint64_t number) {
  for (int octet = 0; octet < 8; ++octet, number >>= 8U)
    seed = (seed ^ (number & 0xFFU)) * 0x100000001B3U;
  return seed;
}

std::uint64_t add_file(std::uint64_t seed, const std::string& path) {
  if (path.empty()) return seed;
  const auto file = expand_secret_path(path);
  struct stat status {};
  if (!file || stat(file->c_str(), &status) != 0) return add_number(seed, 0);
  for (const auto number : {status.st_dev, status.st_ino})
    seed = add_number(seed, number);
  for (const auto number :
       {static_cast<std::int64_t>(status.st_size), static_cast<std::int64_t>(status.st_mtim.tv_sec),
        static_cast<std::int64_t>(status.st_mtim.tv_nsec), static_cast<std::int64_t>(status.st_ctim.tv_sec),
        static_cast<std::int64_t>(status.st_ctim.tv_nsec)}) {
    seed = add_number(seed, static_cast<std::uint64_t>(number));
  }
  return seed;
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

std::uint64_t tls_files_stamp(const TlsSettings& tls, std::uint64_t stamp) {
  for (const std::string* const file : {&tls.ca_file, &tls.ca_path, &tls.cert_file, &tls.key_file})
    stamp = add_file(stamp, *file);
  return stamp;
}

}  // namespace relaypipe
