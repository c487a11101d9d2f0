#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/deadline.h"

namespace relaypipe {

/// `[relay.NAME.oauth2]`: where the bearer token of an account comes from. Either a file or a command that has one, or
/// a token endpoint (RFC 6749) that is asked for it.
struct Oauth2Config {
  enum class Grant { RefreshToken, ClientCredentials };

  std::string token_file;                  ///< holds a valid access token, kept fresh by somebody else
  std::vector<std::string> token_command;  ///< prints one; argv, no shell
  std::string token_endpoint;              ///< https URL
  std::string device_endpoint;             ///< https URL of the device flow (RFC 8628), for `token --authorize`
  std::string authorization_endpoint;  ///< https URL a browser is sent to (RFC 6749 4.1), where there is no device flow
  std::string client_id;
  std::string client_secret_file;  ///< empty for a public client
  std::string refresh_token_file;  ///< as given by the administrator; a rotated one is kept in the state directory
  std::string scope;
  std::string ca_file;  ///< trust for the endpoint instead of the system's
  Grant grant = Grant::RefreshToken;
};

/// The account used on a relay, and where its secret comes from: at most one of the sources. Never the secret itself.
struct AccountConfig {
  std::string username;                       ///< empty: no AUTH, unless password_map has an entry
  std::string password_file;                  ///< may begin with `${CREDENTIALS_DIRECTORY}/` (systemd)
  std::vector<std::string> password_command;  ///< argv, no shell; its first line is the password
  std::string password_map;       ///< Postfix's sasl_passwd in text form: the relay's own, or that of the defaults
  bool sender_dependent = false;  ///< the sender's entry of the map comes first
  bool key_pair = false;          ///< the secret's file or command has the username (an access key's id) as well
  std::optional<Oauth2Config> oauth2;

  /// Whether AUTH is configured for certain. With only a map, its lookup tells.
  [[nodiscard]] bool certain() const { return !username.empty() || key_pair; }
  [[nodiscard]] bool any() const { return certain() || !password_map.empty(); }
  /// Whether its access tokens come from an endpoint, and not from a file or a command.
  [[nodiscard]] bool asks_endpoint() const { return oauth2 && !oauth2->token_endpoint.empty(); }
};

}  // namespace relaypipe
