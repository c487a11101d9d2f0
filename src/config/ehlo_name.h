#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace relaypipe {

/// The fully qualified form of a machine's name: the name itself where it has a dot, else the one that begins with it
/// and a dot in the text of /etc/hosts, in a line that has this name, or in that of /etc/mailname. Nothing is asked of
/// DNS, and nothing is guessed: without such a name it stays as it is.
std::string qualified_name(std::string_view name, std::string_view hosts, std::string_view mailname);

/// Why relays may refuse this name in EHLO, with the way out; nothing for a name with a domain or an address in
/// brackets.
std::optional<std::string> ehlo_name_problem(std::string_view name);

}  // namespace relaypipe
