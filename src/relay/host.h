#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/relay_settings.h"

namespace relaypipe {

inline constexpr std::string_view kDigits = "0123456789";
/// What may stand in a host name: letters, digits, hyphen, dot, and the underscore that real relays have.
inline constexpr std::string_view kHostOctets = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

/// Whether `text` has no octet outside `octets`.
bool made_of(std::string_view octets, std::string_view text);

/// Foreign text as an error may show it: printable, at most 100 octets.
std::string shown(std::string_view text);

/// Which IP version `text` is an address of, or nothing; without brackets, port and zone.
std::optional<IpVersion> address_version(std::string_view text);

/// The words of a list that is separated by commas or blanks or both.
std::vector<std::string_view> split_list(std::string_view list);

/// What is wrong with `name` as the name of a host or domain, and the form that would be right; nothing when it is
/// well-formed. The name comes without the dot of the root. Underscores pass because real relays have them; an
/// all-digit last label does not, since it would be read as a broken address.
std::optional<std::string> host_name_problem(std::string_view name);

}  // namespace relaypipe
