#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace relaypipe {

/// A port at which the hosts of a provider take mail.
struct ProviderPort {
  std::uint16_t port = 0;
  bool implicit_tls = false;  ///< TLS from the first octet, else STARTTLS

  friend bool operator==(const ProviderPort&, const ProviderPort&) = default;
};

/// The ports of one provider, the one to be taken first at the beginning.
struct ProviderPorts {
  std::string_view provider;
  std::span<const ProviderPort> ports;
  std::string_view source;  ///< the page or the programs that say so
};

/// The ports of the provider of that name, or nullptr where they are not known. Clouds swallow what goes to 25, 465 and
/// 587, and providers listen elsewhere too.
const ProviderPorts* find_provider_ports(std::string_view provider);

/// All of them, by name.
std::span<const ProviderPorts> provider_ports();

}  // namespace relaypipe
