#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "oauth/renewal.h"
#include "oauth/token_services.h"
#include "relay/relay.h"

namespace relaypipe {

/// How the token of one relay stands, as `relaypipe token` shows it. It holds no secret.
struct TokenState {
  /// The access token: Due is renewed with the next message; Unknown is kept by somebody else.
  enum class Access { Unknown, None, Fresh, Due, Ended };
  /// The refresh token: kept by us, given in a file, not there; or none is needed.
  enum class Refresh { NotNeeded, Kept, File, Missing };

  std::string relay;
  std::string source;  ///< the key it comes from: `token_endpoint`, `token_file` or `token_command`
  std::string where;   ///< its value: an address, a file, a program
  std::string grant;   ///< `refresh_token` or `client_credentials`; empty for the other sources
  Access access = Access::Unknown;
  std::optional<TokenTime> obtained;
  std::optional<TokenTime> ends;
  Refresh refresh = Refresh::NotNeeded;
  std::optional<TokenTime> refresh_obtained;
  std::optional<TokenTime> refresh_ends;
  std::optional<TokenTime> failed;
  std::string failure;  ///< why the last renewal failed
  std::string problem;  ///< what has to be put right

  [[nodiscard]] bool well() const { return problem.empty() && failure.empty(); }
};

/// `unknown`, `none`, `fresh`, `due`, `ended`.
std::string_view name(TokenState::Access access);
/// `kept`, `file`, `missing`; empty where none is needed.
std::string_view name(TokenState::Refresh refresh);

/// Looks at what is kept, and at the files that are needed, and asks nobody.
TokenState token_state(const Relay& relay, TokenStore& store, const SecretReader& read_secret, TokenTime now);

/// The state in a few lines for a person.
std::string describe(const TokenState& state, TokenTime now);

}  // namespace relaypipe
