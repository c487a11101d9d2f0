#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "relay/destination.h"

namespace relaypipe {

/// One logical line of a password map.
struct MapAccount {
  std::uint32_t line = 0;  ///< where it begins, from 1
  std::string key;         ///< in lower case; empty where none can be made out
  std::string username;
  Secret password;
  std::string problem;  ///< why it is no account, a printable phrase that holds nothing of the value; else empty
};

/// A map as Postfix reads it (postmap(1), smtp_sasl_password_maps in postconf(5)): lines of `key  username:password`.
/// The key ends at the first blank outside double quotes. Empty lines and those whose first octet, blanks apart, is `#`
/// are left out, and so is a byte order mark before the first; a line that begins with a blank continues the one
/// before, with such lines between them too. The username ends at the first colon, so a password may have colons.
/// Blanks around the value are no part of it. The letter case of keys does not matter.
///
/// Of several accounts with one key the first counts, as in postmap(1); the others have a problem.
std::vector<MapAccount> parse_password_map(std::string_view text);

/// The keys under which an account is looked for, in Postfix's order (smtp_sasl_passwd_lookup): the sender, as a whole
/// without its address extension (`delimiters`, see without_extension()), and then as `@domain` (only with `sender`,
/// which is empty for the null sender and where accounts do not depend on senders); the name of the server, after MX
/// lookup; the destination as it is written in Postfix, without `smtp:` and its kind. Of the last the forms that mean
/// the same are looked for as well: `[host]:587` for `[host]:submission`, and without the port where that is 25.
std::vector<std::string> password_map_keys(std::string_view sender, std::string_view host,
                                           const Destination& destination, std::string_view delimiters = {});

/// The line whose key comes first in `keys`, or nullptr. It may have a problem: a broken line for this relay is not
/// skipped for a wider one.
const MapAccount* find_account(std::span<const MapAccount> map, std::span<const std::string> keys);

}  // namespace relaypipe
