#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/result.h"
#include "io/base/unique_fd.h"

struct ssl_st;
struct ssl_ctx_st;

namespace relaypipe {

/// Where a channel leads.
struct ChannelTarget {
  std::vector<std::string> addresses;  ///< IP addresses, tried in this order; none: `path`
  std::uint16_t port = 0;
  std::string path;      ///< of a socket in the file system
  std::string tls_name;  ///< that the certificate has to have, a host name or an IP address; empty: no TLS
  std::string ca_file;   ///< the authorities that are trusted; empty: the system's
};

/// A connection to the store, perhaps with TLS. Nothing waits beyond the end it is given, whatever the other side does.
class Channel {
 public:
  explicit Channel(const Clock& clock) : clock_(clock) {}
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Each returns what went wrong, a phrase; nothing where all went well.
  std::optional<std::string> open(const ChannelTarget& target, Instant end);
  std::optional<std::string> send(std::string_view octets, Instant end);
  /// At least one octet. An end of the connection is an error.
  Result<std::string, std::string> receive(Instant end);

 private:
  std::optional<std::string> connect_to(int family, const void* address, unsigned length, Instant end);
  std::optional<std::string> start_tls(const ChannelTarget& target, Instant end);
  std::optional<std::string> after_tls_call(int result, std::string_view what, Instant end);
  bool wait(short events, Instant end);

  const Clock& clock_;
  UniqueFd socket_;
  std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)> context_{nullptr, nullptr};
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> tls_{nullptr, nullptr};
};

}  // namespace relaypipe
