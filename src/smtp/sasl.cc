#include "smtp/sasl.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/printable.h"

namespace relaypipe {
namespace {

struct Mechanism {
  std::string_view name;
  bool bearer;
  bool unasked;  ///< used without being named in auth_mechanisms
};

// In the order in which libcurl prefers them, which cannot be changed from outside.
constexpr std::array<Mechanism, 9> kMechanisms{{
    {"EXTERNAL", false, false},
    {"GSSAPI", false, false},
    {"DIGEST-MD5", false, false},
    {"CRAM-MD5", false, true},
    {"NTLM", false, false},
    {"OAUTHBEARER", true, true},
    {"XOAUTH2", true, true},
    {"PLAIN", false, true},
    {"LOGIN", false, true},
}};

constexpr std::size_t kChallengeOctets = 200;
constexpr std::size_t kShortestSecret = 4;

std::optional<std::uint32_t> digit(char c) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::size_t value = kDigits.find(c);
  return value == std::string_view::npos ? std::nullopt : std::optional(static_cast<std::uint32_t>(value));
}

/// RFC 4648 section 4; nothing where a character is no digit.
std::optional<std::string> decode_base64(std::string_view text) {
  std::string octets;
  std::uint32_t bits = 0;
  int count = 0;
  while (text.ends_with('='))
    text.remove_suffix(1);
  for (const char c : text) {
    const auto value = digit(c);
    if (!value) return std::nullopt;
    bits = (bits << 6U) | *value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    octets += static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xFFU);
  }
  return octets;
}

}  // namespace

std::vector<std::string> mechanisms_for(bool bearer, std::span<const std::string> allowed) {
  std::vector<std::string> usable;
  for (const Mechanism& mechanism : kMechanisms) {
    const bool named = std::find(allowed.begin(), allowed.end(), mechanism.name) != allowed.end();
    if (mechanism.bearer == bearer && (allowed.empty() ? mechanism.unasked : named))
      usable.emplace_back(mechanism.name);
  }
  return usable;
}

bool has_initial_response(std::span<const std::string> offered, std::span<const std::string> usable) {
  for (const std::string& mechanism : usable) {
    // These two may be left aside where the account has nothing for them, and then the next one is taken.
    if (mechanism == "EXTERNAL" || mechanism == "GSSAPI") continue;
    if (std::find(offered.begin(), offered.end(), mechanism) != offered.end()) return mechanism != "LOGIN";
  }
  return true;
}

std::optional<std::string_view> login_challenge_fault(std::size_t nth, std::string_view base64) {
  const std::string text = lower(challenge_text(base64));
  const auto holds = [&](std::string_view word) { return text.find(word) != std::string::npos; };
  const bool password = holds("pass");
  const bool user = !password && (holds("user") || holds("login") || holds("name"));
  if (nth == 0 && password) return "it asks for the password before the user name";
  if (nth == 1 && user) return "it asks for the user name twice, so the second answer would have shown it the password";
  return std::nullopt;
}

bool is_scram(std::string_view mechanism) { return mechanism.starts_with("SCRAM-"); }

std::string no_common_mechanism(std::span<const std::string> offered, std::span<const std::string> usable) {
  if (offered.empty()) return "AUTH is not offered";
  const bool scram = std::any_of(offered.begin(), offered.end(), is_scram);
  return fmt::format("it offers {}; we may use {}{}", printable(fmt::format("{}", fmt::join(offered, " "))),
                     fmt::join(usable, " "),
                     scram ? ", and cannot do SCRAM: let the relay offer PLAIN inside TLS too" : "");
}

std::string challenge_text(std::string_view base64) {
  const auto octets = decode_base64(base64);
  const std::string text = printable(octets ? std::string_view(*octets) : base64);
  return std::string(clip(text, kChallengeOctets));
}

std::string redacted(std::string_view line, std::span<const std::string_view> secrets) {
  std::string text(line);
  for (const std::string_view secret : secrets) {
    if (secret.size() < kShortestSecret) continue;
    constexpr std::string_view kMask = "********";
    for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kMask.size()))
      text.replace(at, secret.size(), kMask);
  }
  return text;
}

}  // namespace relaypipe
