#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace relaypipe {

/// An IPv4 or IPv6 address. IPv4 stands in the first four octets. Compared by value, so that two ways of writing one
/// address are equal.
struct IpAddress {
  bool v6 = false;
  std::array<std::uint8_t, 16> octets{};

  /// 127.0.0.0/8 or ::1: what is sent there does not leave this machine.
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] std::string text() const;  ///< without brackets, as inet_ntop(3) writes it

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

/// Reads `192.0.2.1` or `2001:db8::1`, without brackets or prefix.
std::optional<IpAddress> parse_ip_address(std::string_view text);

}  // namespace relaypipe
