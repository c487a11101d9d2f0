#include "base/ip_address.h"

#include <arpa/inet.h>

namespace relaypipe {

bool IpAddress::is_loopback() const {
  constexpr std::array<std::uint8_t, 16> kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return v6 ? octets == kLoopback : octets[0] == 127;
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  inet_ntop(v6 ? AF_INET6 : AF_INET, octets.data(), buffer.data(), buffer.size());
  return buffer.data();
}

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  const std::string terminated(text);
  IpAddress address;
  address.v6 = text.find(':') != std::string_view::npos;
  if (inet_pton(address.v6 ? AF_INET6 : AF_INET, terminated.c_str(), address.octets.data()) != 1) return std::nullopt;
  // inet_pton stops at a NUL, which no address holds.
  return text.find('\0') == std::string_view::npos ? std::optional(address) : std::nullopt;
}

}  // namespace relaypipe
