#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace relaypipe {

/// One member of the JSON object an endpoint answers with, whose value is a text or a number; numbers stand as written.
struct AnswerField {
  std::string name;
  Secret value;
};
using AnswerFields = std::vector<AnswerField>;

/// What a token endpoint gave (RFC 6749 section 5.1).
struct GrantedToken {
  Secret access_token;
  Secret refresh_token;                                  ///< empty: the old one stays
  std::chrono::seconds lifetime{0};                      ///< `expires_in`, or kAssumedLifetime
  std::string scope;                                     ///< empty: as asked for
  std::optional<std::chrono::seconds> refresh_lifetime;  ///< of the refresh token, where the endpoint says so
};

/// An answer without `expires_in` leaves the lifetime to other means; most endpoints give an hour.
constexpr std::chrono::seconds kAssumedLifetime{3600};

/// What a device endpoint gave (RFC 8628 section 3.2).
struct DeviceCode {
  Secret device_code;
  std::string user_code;             ///< to be typed in by the person
  std::string verification_uri;      ///< where
  std::string complete_uri;          ///< the same with the code in it; may be empty
  std::chrono::seconds lifetime{0};  ///< of the code
  std::chrono::seconds interval{5};  ///< between two questions
};

/// Why there is no token. Nothing in it is a secret: what was sent is taken out of what came back.
struct EndpointTrouble {
  enum class Kind {
    Passing,        ///< the endpoint is not well, or asks for patience: later it may answer
    Refused,        ///< it said no, and will say so again until a person does something
    Pending,        ///< the person has not answered yet (RFC 8628 section 3.5)
    SlowDown,       ///< the same, and we ask too often
    ProtocolError,  ///< no answer of a token endpoint
  };
  Kind kind = Kind::ProtocolError;
  std::string code;  ///< the endpoint's own word, such as `invalid_grant`; may be empty
  std::string text;  ///< a phrase: `says invalid_grant (The token has expired)`
};

/// Judges an answer: its HTTP status, and its body where that was a JSON object. `sent` are the secrets of the request;
/// an endpoint that repeats them does not bring them into the log.
Result<GrantedToken, EndpointTrouble> judge_token_answer(int status, const std::optional<AnswerFields>& fields,
                                                         std::span<const std::string_view> sent);
Result<DeviceCode, EndpointTrouble> judge_device_answer(int status, const std::optional<AnswerFields>& fields,
                                                        std::span<const std::string_view> sent);

}  // namespace relaypipe
