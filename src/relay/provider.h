#pragma once

#include <span>
#include <string_view>

namespace relaypipe {

/// What is known of a relay provider before the first message: how to recognise it, its published ceilings, its OAuth2
/// endpoints. Its replies are rows of the table in verdict/reply_rules.
struct Provider {
  std::string_view name;                    ///< as in `provider = "ses"`
  std::string_view title;                   ///< for a person: "Amazon SES"
  std::span<const std::string_view> hosts;  ///< recognised by: a leading dot is any sub-domain, `*` any text
  std::string_view rate;                    ///< published ceiling such as "14/s", empty where the account decides
  std::string_view quota;        ///< published ceiling such as "10000 recipients/24h", empty where the account decides
  std::string_view connections;  ///< published ceiling such as "3"
  std::string_view token_endpoint;               ///< OAuth2, empty where the provider has none
  std::string_view device_endpoint;              ///< RFC 8628
  std::string_view scope;                        ///< OAuth2
  std::string_view source;                       ///< the page that says so
  std::string_view authorization_endpoint = {};  ///< OAuth2, where the device flow gives no token for mail
};

/// All that are known, by name.
std::span<const Provider> providers();

/// The provider of that name, or nullptr.
const Provider* find_provider(std::string_view name);

/// The provider whose relay a host is, or nullptr.
const Provider* recognise_provider(std::string_view host);

/// The provider whose name is written, and where none is the one whose relay the host is; or nullptr.
const Provider* provider_of(std::string_view written, std::string_view host);

}  // namespace relaypipe
