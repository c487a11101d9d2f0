#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "message/address.h"
#include "message/dsn_request.h"

namespace relaypipe {

/// What Postfix knows about the client that submitted the message: pipe(8)'s client_* and sasl_* macros, or what
/// lmtp(8) says in XFORWARD. Empty where unknown.
struct ClientInfo {
  std::string address;
  std::string name;
  std::string helo;
  std::string port;
  std::string protocol;
  std::string sasl_username;
};

/// One delivery request as pipe(8) describes it in argv, or lmtp(8) in MAIL and RCPT.
struct Envelope {
  std::string queue_id;  ///< Postfix's name of the message; empty when relaypipe is used by hand
  Address sender;
  std::vector<Address> recipients;
  /// `${size}`, or SIZE of MAIL: octets of the content records in the queue file.
  std::optional<std::uint64_t> announced_size;
  ClientInfo client;
  bool delimited = false;  ///< the content comes with a mark of its end (the dot of LMTP): its size proves nothing
  bool smtputf8 = false;   ///< the submitter asked for SMTPUTF8 (RFC 6531 3.4)
  DsnRequest dsn;
  /// One for each recipient, in their order, or none at all (pipe). Beside `recipients` and not in it, since routes,
  /// quotas and records are made of addresses alone.
  std::vector<RecipientDsn> recipient_dsn;

  /// The same for some of its recipients, by their places.
  [[nodiscard]] Envelope with_recipients(std::span<const std::size_t> places) const {
    Envelope narrowed{queue_id, sender, {}, announced_size, client, delimited, smtputf8, dsn, {}};
    for (const std::size_t place : places) {
      narrowed.recipients.push_back(recipients[place]);
      if (!recipient_dsn.empty()) narrowed.recipient_dsn.push_back(recipient_dsn[place]);
    }
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
