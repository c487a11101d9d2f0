#include "command/check/check_trust.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "base/printable.h"
#include "postfix/text.h"

namespace relaypipe {
namespace {

/// `4a6481c9.0`: eight hexadecimal digits, a dot, a number (c_rehash(1)).
bool is_hashed_name(std::string_view name) {
  constexpr std::size_t kHash = 8;
  const auto within = [](std::string_view text, std::string_view octets) {
    return !text.empty() && text.find_first_not_of(octets) == text.npos;
  };
  return name.size() > kHash + 1 && name[kHash] == '.' && within(name.substr(0, kHash), "0123456789abcdef") &&
         within(name.substr(kHash + 1), "0123456789");
}

}  // namespace

std::optional<std::string> authorities_problem(const std::string& file) {
  std::ifstream in(file);
  if (!in) return std::nullopt;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("-----BEGIN CERTIFICATE-----") || line.starts_with("-----BEGIN TRUSTED CERTIFICATE-----") ||
        line.starts_with("-----BEGIN X509 CERTIFICATE-----"))
      return std::nullopt;
  }
  return "holds no certificate in PEM form (\"-----BEGIN CERTIFICATE-----\"); no relay would be trusted";
}

std::optional<std::string> trust_store_problem(const std::string& directory) {
  std::error_code ended;
  std::filesystem::directory_iterator entry(directory, ended);
  if (ended) return std::nullopt;
  for (const std::filesystem::directory_iterator none; entry != none && !ended; entry.increment(ended)) {
    if (is_hashed_name(entry->path().filename().string())) return std::nullopt;
  }
  return fmt::format(
      "has no authority under its hashed name, so no relay would be trusted: openssl rehash {}, or "
      "install ca-certificates",
      shell_word(printable(directory)));
}

}  // namespace relaypipe
