#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "relay/account.h"
#include "relay/address_rewriting.h"
#include "relay/destination.h"
#include "relay/https_settings.h"
#include "relay/limits.h"
#include "relay/relay_settings.h"
#include "relay/reply_rule.h"

namespace relaypipe {

/// The settings of a relay of which nothing is configured.
inline const RelaySettings& built_in_relay_settings() {
  static const RelaySettings defaults;
  return defaults;
}

/// One configured server and the account used on it, with the settings that hold for it. Many are made for each
/// message, so they refer to the settings in the Configuration that they are made of; it outlives them and their
/// copies.
struct Relay {
  std::string name;  ///< as configured, or as written in the nexthop
  Destination destination;
  const RelaySettings* settings = &built_in_relay_settings();  ///< never null
  /// The destination is the recipients' own domain (the nexthop Postfix makes where nothing else is configured): then
  /// DNS speaks about the recipient, and a domain that does not exist is a hard failure. For a configured relay it
  /// never is.
  bool recipient_domain = false;
  std::optional<std::uint64_t> max_size;  ///< octets of the largest message it may carry, whatever it announces
  AccountConfig account;                  ///< used on it; never on another relay
  std::string provider;                   ///< whose reply rules hold: set, or recognised by the host; may be empty
  std::vector<ReplyRule> replies;         ///< the administrator's own rules, first match first
  Limits limits;                          ///< how much may be sent over it
  HttpsSettings https = {};               ///< where the destination is `https:`; the provider is set then
  SenderRewriting rewriting = {};         ///< how senders are written at it
};

}  // namespace relaypipe
