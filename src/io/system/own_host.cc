#include "io/system/own_host.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "config/ehlo_name.h"
#include "config/setting_keys.h"
#include "io/base/unique_fd.h"

namespace relaypipe {
namespace {

std::optional<IpAddress> address_of(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  IpAddress result;
  if (address->sa_family == AF_INET) {
    std::memcpy(result.octets.data(), &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, 4);
    return result;
  }
  if (address->sa_family != AF_INET6) return std::nullopt;
  result.v6 = true;
  std::memcpy(result.octets.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, 16);
  return result;
}

/// What a small file of the system begins with; nothing where it is not there.
std::string beginning_of(const char* path) {
  constexpr std::size_t kMost = 65536;
  const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file) return {};
  std::string text(kMost, '\0');
  const ssize_t got = ::read(file.get(), text.data(), text.size());
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

}  // namespace

std::string machine_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  RelaySettings checked;
  const std::string text = qualified_name(name.data(), beginning_of("/etc/hosts"), beginning_of("/etc/mailname"));
  return apply_setting(checked, "hostname=" + text) ? "localhost" : text;
}

std::string machine_id() {
  const std::string text = beginning_of("/etc/machine-id");
  return text.substr(0, text.find('\n'));
}

OwnHost own_host(std::string name, const RunSettings& settings) {
  OwnHost self{std::move(name), {}};
  ifaddrs* interfaces = nullptr;
  if (getifaddrs(&interfaces) == 0) {
    for (const ifaddrs* entry = interfaces; entry != nullptr; entry = entry->ifa_next) {
      if (const auto address = address_of(entry->ifa_addr)) self.addresses.push_back(*address);
    }
    freeifaddrs(interfaces);
  }
  for (const auto* list : {&settings.own_addresses, &settings.proxy_addresses}) {
    for (const std::string& text : *list) {
      if (const auto address = parse_ip_address(text)) self.addresses.push_back(*address);
    }
  }
  return self;
}

std::optional<std::uint16_t> service_port(std::string_view name) {
  const servent* service = getservbyname(std::string(name).c_str(), "tcp");
  if (service == nullptr) return std::nullopt;
  return ntohs(static_cast<std::uint16_t>(service->s_port));
}

}  // namespace relaypipe
