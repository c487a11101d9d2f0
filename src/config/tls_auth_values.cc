#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/ip_address.h"
#include "base/printable.h"
#include "config/nearest.h"
#include "config/setting_values.h"
#include "relay/host.h"
#include "relay/units.h"
#include "smtp/sasl.h"

namespace relaypipe {
namespace {

constexpr std::string_view kPrefix = "sha256//";
constexpr std::size_t kBase64Octets = 44;  // of 32 octets
/// What libcurl can speak (CURLOPT_LOGIN_OPTIONS), the strongest first. EXTERNAL is the client certificate's.
constexpr std::array<std::string_view, 9> kMechanisms{"OAUTHBEARER", "XOAUTH2", "GSSAPI", "EXTERNAL", "DIGEST-MD5",
                                                      "CRAM-MD5",    "NTLM",    "PLAIN",  "LOGIN"};

/// As in postconf(5), smtp_discard_ehlo_keywords.
constexpr std::array<std::string_view, 16> kEhloKeywords{"8BITMIME",
                                                         "AUTH",
                                                         "CHUNKING",
                                                         "DELIVERBY",
                                                         "DSN",
                                                         "ENHANCEDSTATUSCODES",
                                                         "ETRN",
                                                         "PIPELINING",
                                                         "SIZE",
                                                         "VRFY",
                                                         "SILENT-DISCARD",
                                                         "SMTPUTF8",
                                                         "STARTTLS",
                                                         "VERP",
                                                         "XCLIENT",
                                                         "XFORWARD"};

bool is_base64(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/// 43 digits and the one `=` that 32 octets leave.
bool is_fingerprint(std::string_view text) {
  if (!text.starts_with(kPrefix)) return false;
  const std::string_view digits = text.substr(kPrefix.size());
  return digits.size() == kBase64Octets && digits.back() == '=' &&
         std::all_of(digits.begin(), digits.end() - 1, is_base64);
}

std::string upper(std::string_view text) {
  std::string raised(text);
  for (char& c : raised) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return raised;
}

}  // namespace

ValueProblem set_host_name(std::string& field, std::string_view value) {
  if (!value.empty() && address_version(value)) return fmt::format("\"{}\" is an address; write a host name", value);
  if (!value.empty()) {
    if (ValueProblem problem = host_name_problem(value)) return problem;
  }
  field = lower(value);
  return std::nullopt;
}

ValueProblem set_fingerprints(std::vector<std::string>& field, std::string_view value) {
  std::vector<std::string> list;
  for (const std::string_view word : split_list(value)) {
    if (!is_fingerprint(word)) {
      return fmt::format(
          "\"{}\" is not a valid fingerprint of a public key; write sha256// and the 44 characters that `openssl x509 "
          "-in "
          "CERT -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64` prints",
          shown(word));
    }
    list.emplace_back(word);
  }
  field = std::move(list);
  return std::nullopt;
}

ValueProblem set_mechanisms(std::vector<std::string>& field, std::string_view value) {
  std::vector<std::string> list;
  for (const std::string_view word : split_list(value)) {
    std::string name = upper(word);
    if (std::find(kMechanisms.begin(), kMechanisms.end(), name) == kMechanisms.end()) {
      if (is_scram(name)) {
        return fmt::format("\"{}\" cannot be used: libcurl lacks SCRAM; write some of {}", shown(word),
                           fmt::join(kMechanisms, ", "));
      }
      const auto meant = nearest(name, kMechanisms);
      return fmt::format("\"{}\" is not a mechanism we know; {} of {}", shown(word),
                         meant ? fmt::format("did you mean {}? Write some", *meant) : "write some",
                         fmt::join(kMechanisms, ", "));
    }
    list.push_back(std::move(name));
  }
  field = std::move(list);
  return std::nullopt;
}

ValueProblem set_ehlo_keywords(std::vector<std::string>& field, std::string_view value) {
  std::vector<std::string> list;
  for (const std::string_view word : split_list(value)) {
    std::string name = upper(word);
    if (std::find(kEhloKeywords.begin(), kEhloKeywords.end(), name) == kEhloKeywords.end()) {
      const auto meant = nearest(name, kEhloKeywords);
      return fmt::format("\"{}\" is not a keyword that can be discarded; {} of {}", shown(word),
                         meant ? fmt::format("did you mean {}? Write some", lower(*meant)) : "write some",
                         lower(fmt::format("{}", fmt::join(kEhloKeywords, ", "))));
    }
    list.push_back(std::move(name));
  }
  field = std::move(list);
  return std::nullopt;
}

ValueProblem set_delimiter(std::string& field, std::string_view value) {
  const auto usable = [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return c > ' ' && c < '\x7F' && !letter && c != '@' && c != '"';
  };
  if (!std::all_of(value.begin(), value.end(), usable))
    return fmt::format("\"{}\" is not a set of delimiters; write the characters that begin an extension, such as +",
                       shown(value));
  field = std::string(value);
  return std::nullopt;
}

ValueProblem set_plaintext_auth(std::string& field, std::string_view value) {
  const std::string meant = lower(value);
  if (meant == "no" || meant == "false") {
    field.clear();
  } else if (meant == "yes" || meant == "true") {
    field = "yes";
  } else if (!address_version(meant) && host_name_problem(meant)) {
    return fmt::format("\"{}\" is not allowed; write yes (for loopback), no, or the name or address of the one host",
                       shown(value));
  } else {
    field = meant;
  }
  return std::nullopt;
}

}  // namespace relaypipe
