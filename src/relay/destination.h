#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace relaypipe {

/// How the hosts of a destination are found.
enum class Lookup {
  Address,  ///< `[host]` and literal addresses: A and AAAA only
  Mx,       ///< `domain`: MX, or the addresses of the name where there is no MX (RFC 5321 5.1)
  Srv,      ///< `srv:domain`: `_submission._tcp` or `_submissions._tcp` first (RFC 6186, RFC 8314), then as Mx
};

/// How a relay is written: `[host]:port`, `domain`, `domain:port`, `[192.0.2.1]`, `[ipv6:2001:db8::1]:25`, with
/// `smtp:`, `smtps:`, `srv:` or `https:` before it.
struct Destination {
  std::string text;      ///< as written, for messages and as the name of the relay
  std::string host;      ///< lower case, without brackets, `ipv6:` and trailing dot
  bool literal = false;  ///< `host` is an IPv4 or IPv6 address
  Lookup lookup = Lookup::Mx;
  std::uint16_t port = 25;
  bool implicit_tls = false;  ///< `smtps:`, port 465 without a prefix (RFC 8314 3.3), or `https:`
  /// `https:`: the mail interface of a provider. `host` is empty where `https:` stands alone: then it is the
  /// provider's.
  bool https = false;

  friend bool operator==(const Destination&, const Destination&) = default;
};

/// The port of a service name such as `submission`, or nothing. The world's answer is getservbyname(3); it is a
/// parameter to keep this pure.
using ServicePort = std::function<std::optional<std::uint16_t>(std::string_view name)>;

/// Reads a nexthop that is a list of destinations, separated by commas or blanks or both, in order of priority.
/// Postfix hands it over verbatim (transport(5)), so this is what an administrator typed. The error is one sentence
/// that names the position in the list, the element, what is wrong and the form that would be right, e.g. `destination
/// 2 of 3, "[mail2.example.com:587": "]" is missing; write [mail2.example.com]:587`.
Result<std::vector<Destination>, std::string> parse_nexthop(std::string_view list, const ServicePort& service);

}  // namespace relaypipe
