#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "message/address.h"
#include "relay/address_pattern.h"

namespace relaypipe {

/// What one address, or each address that a pattern matches, becomes at a relay: an address, or `@domain` for that
/// domain with the local part as it was.
struct RewritingRule {
  AddressPattern pattern;
  std::string target;
};

/// How a relay wants addresses of senders: `envelope_sender` or `header_from` of a relay.
struct AddressRewriting {
  std::string all;                   ///< the target for every address; empty: `rules` say it
  std::vector<RewritingRule> rules;  ///< the narrowest pattern decides; where none matches, an address stays

  [[nodiscard]] bool any() const { return !all.empty() || !rules.empty(); }
  /// Whether every address becomes one and the same.
  [[nodiscard]] bool is_constant() const { return !all.empty() && all.front() != '@'; }
};

/// What an address becomes; nothing where it stays as it is. The null sender always does. An address with an extension
/// is looked for with it and without (`delimiters`: recipient_delimiter).
std::optional<Address> rewritten(const AddressRewriting& rewriting, const Address& address,
                                 std::string_view delimiters);

/// Both of one relay.
struct SenderRewriting {
  AddressRewriting envelope_sender;
  AddressRewriting header_from;

  [[nodiscard]] bool any() const { return envelope_sender.any() || header_from.any(); }
};

}  // namespace relaypipe
