#include "base/secret_keys.h"

#include <algorithm>
#include <array>

#include "base/printable.h"

namespace relaypipe {
namespace {

constexpr std::array<std::string_view, 12> kWords{"pass", "pwd",  "secret", "token", "key",  "cred",
                                                  "auth", "user", "login",  "sasl",  "cert", "fingerprint"};
constexpr std::array<std::string_view, 8> kSecretItself{"pass",       "passwd", "password",      "pwd",
                                                        "passphrase", "secret", "sasl_password", "smtp_password"};

}  // namespace

bool may_hold_secret(std::string_view key) {
  const std::string name = lower(key);
  // "keyword" has "key" in it and is about EHLO.
  if (name == "discard_ehlo_keywords") return false;
  return std::any_of(kWords.begin(), kWords.end(), [&](std::string_view word) { return name.find(word) != name.npos; });
}

std::string without_value(std::string_view problem, std::string_view value) {
  const std::string written = printable(value);
  std::string text;
  for (;;) {
    const std::size_t open = problem.find('"');
    const std::size_t close = open == problem.npos ? open : problem.find('"', open + 1);
    if (close == problem.npos) return text.append(problem);
    // A value with quotation marks of its own ends where its text ends.
    std::size_t end = close;
    const std::string_view behind = problem.substr(open + 1);
    if (behind.starts_with(written)) end = open + 1 + written.size();
    const std::string_view inside = problem.substr(open + 1, end - open - 1);
    const bool quotation = written.find(inside) != written.npos;
    text.append(problem.substr(0, open)).append(quotation ? "the value" : problem.substr(open, end + 1 - open));
    problem.remove_prefix(std::min(end + 1, problem.size()));
  }
}

std::string without_user(std::string_view text) {
  const std::size_t at = text.rfind('@');
  const bool password = at != text.npos && text.substr(0, at).find(':') != text.npos;
  return password ? "...@" + std::string(text.substr(at + 1)) : std::string(text);
}

std::string_view secret_advice(std::string_view key) {
  const std::string name = lower(key);
  if (std::find(kSecretItself.begin(), kSecretItself.end(), name) == kSecretItself.end()) return {};
  return "; no secret stands in this file: write it into a file of its own, and the path of that as password_file";
}

}  // namespace relaypipe
