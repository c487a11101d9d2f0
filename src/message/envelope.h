#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "message/address.h"

namespace relaypipe {

/// What Postfix knows about the client that submitted the message: pipe(8)'s client_* and sasl_* macros. Empty where
/// unknown.
struct ClientInfo {
  std::string address;
  std::string name;
  std::string helo;
  std::string port;
  std::string protocol;
  std::string sasl_username;
};

/// One delivery request as pipe(8) describes it in argv.
struct Envelope {
  std::string queue_id;  ///< Postfix's name of the message; empty when relaypipe is used by hand
  Address sender;
  std::vector<Address> recipients;
  std::optional<std::uint64_t> announced_size;  ///< `${size}`: octets of the content records in the queue file
  ClientInfo client;

  /// The same for some of its recipients, by their places.
  [[nodiscard]] Envelope with_recipients(std::span<const std::size_t> places) const {
    Envelope narrowed{queue_id, sender, {}, announced_size, client};
    for (const std::size_t place : places)
      narrowed.recipients.push_back(recipients[place]);
    return narrowed;
  }

  /// Whether an address of it can go only to a relay with SMTPUTF8 (RFC 6531 3.2).
  [[nodiscard]] bool is_internationalized() const {
    if (sender.is_internationalized()) return true;
    for (const Address& recipient : recipients) {
      if (recipient.is_internationalized()) return true;
    }
    return false;
  }
};

}  // namespace relaypipe
