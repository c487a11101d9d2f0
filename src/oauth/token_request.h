#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "relay/account.h"

namespace relaypipe {

/// Names and values as `application/x-www-form-urlencoded` (RFC 6749 appendix B). The text is made in one piece, so
/// that no copy of a secret is left behind by growing.
Secret form_encoded(const std::vector<std::pair<std::string_view, std::string_view>>& fields);

/// One octet string as it stands in such a form.
std::string form_encoded(std::string_view value);

/// Asks for an access token with a refresh token (RFC 6749 section 6). A confidential client proves itself in the body,
/// which Microsoft and Google take; `client_secret` is empty for a public client.
Secret refresh_request(const Oauth2Config& config, const Secret& client_secret, const Secret& refresh_token);

/// Asks for one in the client's own name (RFC 6749 section 4.4).
Secret client_credentials_request(const Oauth2Config& config, const Secret& client_secret);

/// Asks for a code that a person enters elsewhere (RFC 8628 section 3.1; a confidential client proves itself here too).
Secret device_request(const Oauth2Config& config, const Secret& client_secret);

/// Asks whether the person has done so (RFC 8628 section 3.4).
Secret device_token_request(const Oauth2Config& config, const Secret& client_secret, const Secret& device_code);

/// Where a browser is sent for a person's consent, and what it brings back is known by (RFC 6749 section 4.1.1, RFC
/// 7636).
struct Consent {
  std::string
      redirect_uri;       ///< on loopback, where nobody listens: the person copies the address instead (RFC 8252 7.3)
  std::string state;      ///< comes back unchanged
  Secret verifier;        ///< proves that who asks for the token is who asked for the consent
  std::string challenge;  ///< its SHA-256 digest in base64url
};

/// The address to open.
std::string consent_url(const Oauth2Config& config, const Consent& consent);

/// The code in the address that the browser ended at. The error is a phrase for the person.
Result<Secret, std::string> code_in(std::string_view address, const Consent& consent);

/// Asks for the tokens that the code stands for (RFC 6749 section 4.1.3).
Secret code_request(const Oauth2Config& config, const Secret& client_secret, const Secret& code,
                    const Consent& consent);

}  // namespace relaypipe
