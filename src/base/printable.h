#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace relaypipe {

/// Foreign text (a reply, an address, an error text of a library) as one safe line: white space and line ends become
/// blanks, other control octets and invalid UTF-8 become `?`, valid UTF-8 stays (as Postfix's printable() with UTF-8).
std::string printable(std::string_view foreign);

/// The length of the valid UTF-8 character that a text begins with, which is not empty; 0 if it is none (RFC 3629
/// section 4).
std::size_t utf8_length(std::string_view text);

/// The longest prefix of `text` that has at most `limit` octets and does not end inside a UTF-8 character.
std::string_view clip(std::string_view text, std::size_t limit);

/// ASCII lower case; other octets stay. Host names, keywords and service names are compared this way (RFC 5321 2.4).
std::string lower(std::string_view text);

}  // namespace relaypipe
