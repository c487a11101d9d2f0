#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "message/envelope.h"

namespace relaypipe {

/// The values of the DSN parameters (RFC 3461 section 4) in the wire form that is handed on; nothing where they are not
/// valid. Keywords come in upper case.
std::optional<std::string> parse_ret(std::string_view value);
std::optional<std::string> parse_envid(std::string_view value);
std::optional<std::string> parse_notify(std::string_view value);
std::optional<std::string> parse_orcpt(std::string_view value);

/// What follows in MAIL and in RCPT for a relay that announced DSN: ` RET=HDRS ENVID=...`, each with a blank before it.
/// `smtputf8`: MAIL has SMTPUTF8; without it an ORCPT with UTF-8 in it is left out (RFC 6533 section 3).
std::string mail_dsn_parameters(const Envelope& envelope);
std::string rcpt_dsn_parameters(const Envelope& envelope, std::size_t recipient, bool smtputf8);

}  // namespace relaypipe
