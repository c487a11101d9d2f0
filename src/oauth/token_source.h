#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"
#include "relay/relay.h"

namespace relaypipe {

/// The answer to TokenSource::ask: an access token, or why there is none (a printable phrase that holds no secret).
struct TokenEvent {
  DialId id;
  Result<Secret, std::string> token;
};

/// Gets the access tokens of relays whose account has an `oauth2.token_endpoint`, from what is kept or from the
/// endpoint. The keyring hands such relays on to it.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  /// Asks for the token of `relay`, which outlives the answer. `refused`: the relay refused the one of the last answer,
  /// so it is fetched anew whatever its age. One answer comes for each question, unless it is cancelled; the time limit
  /// is RelaySettings::secret_limit of the relay.
  virtual void ask(DialId id, const Relay& relay, bool refused) = 0;
  /// The answers since the last call.
  virtual std::vector<TokenEvent> take_answers() = 0;
  /// No answer is wanted any more.
  virtual void cancel(DialId id) = 0;
};

}  // namespace relaypipe
