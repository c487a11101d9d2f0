#include "relay/host.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ip_address.h"
#include "base/printable.h"
#include "base/secret_keys.h"

namespace relaypipe {
namespace {

constexpr std::string_view kSeparators = ", \t\r\n";
constexpr std::string_view kNameForm = "write a name such as mail.example.com";

std::optional<std::string> label_problem(std::string_view label) {
  if (label.empty()) return fmt::format("the host name has an empty label; {}", kNameForm);
  if (label.size() > 63) return fmt::format("the label \"{}\" is longer than 63 octets; {}", shown(label), kNameForm);
  if (label.front() == '-' || label.back() == '-') {
    return fmt::format("the label \"{}\" begins or ends with a hyphen; {}", label, kNameForm);
  }
  return std::nullopt;
}

}  // namespace

bool made_of(std::string_view octets, std::string_view text) { return text.find_first_not_of(octets) == text.npos; }

std::string shown(std::string_view text) { return std::string(clip(printable(without_user(text)), 100)); }

std::vector<std::string_view> split_list(std::string_view list) {
  std::vector<std::string_view> words;
  for (std::size_t at = list.find_first_not_of(kSeparators); at != list.npos;) {
    const std::size_t end = std::min(list.find_first_of(kSeparators, at), list.size());
    words.push_back(list.substr(at, end - at));
    at = list.find_first_not_of(kSeparators, end);
  }
  return words;
}

std::optional<IpVersion> address_version(std::string_view text) {
  const std::optional<IpAddress> address = parse_ip_address(text);
  if (!address) return std::nullopt;
  return address->v6 ? IpVersion::V6 : IpVersion::V4;
}

std::optional<std::string> host_name_problem(std::string_view name) {
  if (name.empty()) return fmt::format("the host name is missing; {}", kNameForm);
  if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) > 127; })) {
    return "the host name is not ASCII; write its A-label form (xn--...)";
  }
  if (const std::size_t at = name.find_first_not_of(kHostOctets); at != name.npos) {
    return fmt::format("\"{}\" cannot be in a host name; {}", shown(name.substr(at, 1)), kNameForm);
  }
  if (name.size() > 253) return fmt::format("the host name is longer than 253 octets; {}", kNameForm);
  std::string_view label;
  for (std::string_view rest = name;;) {
    const std::size_t dot = rest.find('.');
    label = rest.substr(0, dot);
    if (std::optional<std::string> problem = label_problem(label)) return problem;
    if (dot == rest.npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (!made_of(kDigits, label)) return std::nullopt;
  return fmt::format(
      "\"{}\" is not a valid IPv4 address, and the last label of a host name is not all digits; {} or 192.0.2.1",
      shown(name), kNameForm);
}

}  // namespace relaypipe
