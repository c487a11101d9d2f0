#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"
#include "relay/relay.h"

namespace relaypipe {

/// What AUTH is said with at one relay.
struct Credentials {
  std::string username;
  Secret secret;              ///< a password, or an access token
  bool bearer = false;        ///< XOAUTH2 or OAUTHBEARER
  bool of_host = false;       ///< kept under the name of this very host, so meant for no other that DNS may name
  Secret session_token = {};  ///< of temporary credentials of Amazon's (STS), else empty
};

/// The answer to Keyring::ask: nothing where the relay has no account, else the credentials, or why they cannot be had
/// (a printable phrase that holds no secret).
struct KeyringEvent {
  DialId id;
  Result<std::optional<Credentials>, std::string> result;
};

/// Finds the credentials of a relay: in a file, a map, by a command or at a token endpoint.
class Keyring {
 public:
  virtual ~Keyring() = default;
  /// Asks for the credentials of `relay` at `host` (its name after MX or SRV lookup). `refused`: those of the last
  /// answer were refused by the relay; a token is then fetched anew, and anything else answers with an error.
  virtual void ask(DialId id, const Relay& relay, std::string_view host, bool refused) = 0;
  /// The answers since the last call; those from files come at once.
  virtual std::vector<KeyringEvent> take_answers() = 0;
  /// No answer is wanted any more.
  virtual void cancel(DialId id) = 0;
};

}  // namespace relaypipe
