#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "config/account.h"

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

}  // namespace relaypipe
