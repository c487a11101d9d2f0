#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/deadline.h"
#include "base/position.h"
#include "relay/limits.h"

namespace relaypipe {

/// Where a store that a fleet shares can be reached.
struct StoreAddress {
  enum class Way { Tcp, Tls, Unix } way = Way::Tcp;
  std::string host;            ///< a name or an IP address without brackets; empty with Unix
  std::uint16_t port = 6379;   ///< of Tcp and Tls
  std::string path;            ///< of Unix
  std::uint64_t database = 0;  ///< SELECT
  friend bool operator==(const StoreAddress&, const StoreAddress&) = default;
};

/// `[fleet]`: the Valkey or Redis server over which hosts that send through the same accounts share what these allow.
struct FleetConfig {
  Position at;
  std::string url;  ///< as written; it holds no secret
  StoreAddress store;
  std::string user;           ///< of the server's ACL; empty: the default user
  std::string password_file;  ///< empty: no AUTH
  std::string ca_file;        ///< the authorities trusted with rediss://; empty: the system's
  std::string prefix = "relaypipe";
  std::string host_id;  ///< empty: made of the machine's id
  WhenAway when_away = WhenAway::Share;
  Duration timeout = std::chrono::milliseconds(50);  ///< to be connected, and once more to have the answers
};

}  // namespace relaypipe
