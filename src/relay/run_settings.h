#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/deadline.h"

namespace relaypipe {

/// Where the next attempts for a message go whose dot was sent and whose reply never came.
enum class OnUnconfirmed {
  SameRelay,  ///< to that relay alone for `unconfirmed_hold`: it may know that it has the message
  Any,        ///< to any relay: rather twice than late
  Bounce,     ///< nowhere: rather never than twice
};

/// The settings of a run as a whole, with their defaults: those that no relay can have for itself, whose keys stand at
/// the top of relaypipe.toml. Plain values; the names of the keys are in settings_table().
struct RunSettings {
  Duration deadline = std::chrono::minutes(15);  ///< of the whole run, counted from its start
  Duration address_patience =
      std::chrono::milliseconds(250);    ///< between addresses of one host or equal preference (RFC 8305 section 5)
  std::uint64_t max_sessions = 3;        ///< sessions being opened at the same time
  std::vector<std::string> dns_servers;  ///< `address` or `address:port`; empty: the system's
  Duration dns_timeout = std::chrono::seconds(5);  ///< one query to one server
  std::vector<std::string> own_addresses;    ///< besides the addresses of this machine's interfaces (inet_interfaces)
  std::vector<std::string> proxy_addresses;  ///< of a NAT or proxy before this machine (proxy_interfaces)
  std::uint64_t line_length_limit = 998;     ///< longer lines are broken (smtp_line_length_limit); 0: never
  std::uint64_t size_tolerance = 8U << 10U;  ///< octets of the announced size that milters may have removed
  std::uint64_t spool_memory = 1U << 20U;    ///< octets of content kept in memory, the rest in a file
  std::string spool_directory = "/var/tmp";
  std::string state_directory = "/var/lib/relaypipe";  ///< tokens and what is remembered between deliveries
  bool use_state = true;                               ///< whether deliveries remember anything there
  Duration max_wait = std::chrono::seconds(2);         ///< for a place within a relay's rate, quota or connections
  OnUnconfirmed on_unconfirmed = OnUnconfirmed::SameRelay;
  Duration unconfirmed_hold = std::chrono::hours(4);   ///< how long SameRelay holds
  Duration duplicate_wait = std::chrono::seconds(30);  ///< for another delivery of the same message to end
  std::string syslog_ident = "postfix/relaypipe";
  std::string syslog_socket = "/dev/log";
  std::string log_file;  ///< our log lines go there instead; empty: to syslog_socket
};

}  // namespace relaypipe
