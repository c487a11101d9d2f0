#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "oauth/token_answer.h"
#include "relay/account.h"

namespace relaypipe {

/// The time of day: what a token lives by has to hold for another process too.
using TokenTime = std::chrono::sys_seconds;

/// What is kept of an account between deliveries.
struct TokenRecord {
  Secret access_token;   ///< may be empty: there is only a refresh token, or a failure
  TokenTime obtained{};  ///< when the access token was given
  TokenTime ends{};
  Secret refresh_token;            ///< a rotated one, or one from `token --authorize`; empty: that of the file holds
  TokenTime refresh_obtained{};    ///< when
  TokenTime refresh_ends{};        ///< zero: nobody said
  std::string scope;               ///< as granted
  std::uint64_t account = 0;       ///< account_mark() of the configuration it was given for
  std::uint64_t given = 0;         ///< mark() of the file's refresh token at that time: a new one in the file wins
  bool after_refusal = false;      ///< the access token replaces one that a relay had refused
  TokenTime failed{};              ///< when the last renewal failed; zero: it did not
  std::string failure;             ///< and why, without secrets
  std::uint64_t failed_given = 0;  ///< mark() of the file's refresh token then: with another one it is tried at once

  [[nodiscard]] TokenRecord clone() const;
};

/// A mark by which a text is recognised again without being kept (FNV-1a, 64 bits). No protection: it stands only in
/// files that hold the secret itself.
std::uint64_t mark(std::string_view text);

/// What makes a token this account's: endpoint, client, scope, grant. With another of these a kept token is not used.
std::uint64_t account_mark(const Oauth2Config& config);

/// The text of the file: a line with the version, `name=value` lines, and a last line that a shortened or changed file
/// does not have. Programs of other versions count it as absent rather than misread it.
Secret write_token_record(const TokenRecord& record);
/// The error is a phrase for the log; it holds nothing of the text.
Result<TokenRecord, std::string> parse_token_record(std::string_view text);

/// What is kept after a success: the new access token, and the refresh token that holds from now on.
TokenRecord renewed(const TokenRecord& before, const GrantedToken& granted, TokenTime now);

}  // namespace relaypipe
