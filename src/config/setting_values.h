#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/relay_settings.h"
#include "relay/run_settings.h"

namespace relaypipe {

/// What is wrong with a value and what is allowed; nothing when it was read into its field.
using ValueProblem = std::optional<std::string>;

// One parser per sort of value, whether it comes from the command line or from a file. Each either sets the field or
// leaves it as it was and says why.

ValueProblem set_duration(Duration& field, std::string_view value, Duration least, Duration most);
ValueProblem set_count(std::uint64_t& field, std::string_view value, std::uint64_t least, std::uint64_t most);
ValueProblem set_octets(std::uint64_t& field, std::string_view value, std::uint64_t most);
/// At least 16 octets, because a shorter line has no room for the blank that begins a continued one; or 0 for no limit.
ValueProblem set_line_limit(std::uint64_t& field, std::string_view value);

ValueProblem set_choice(TlsLevel& field, std::string_view value);
ValueProblem set_choice(IpVersion& field, std::string_view value);
ValueProblem set_choice(bool& field, std::string_view value);
ValueProblem set_choice(TlsVersion& field, std::string_view value);
ValueProblem set_choice(ClientReport& field, std::string_view value);
ValueProblem set_choice(ContentReject& field, std::string_view value);
ValueProblem set_choice(OnUnconfirmed& field, std::string_view value);

/// IP addresses in their canonical text. An empty list is one.
ValueProblem set_addresses(std::vector<std::string>& field, std::string_view value);
/// DNS servers: an address, perhaps with a port.
ValueProblem set_servers(std::vector<std::string>& field, std::string_view value);
/// The argument of EHLO: a name, or an address in brackets (RFC 5321 4.1.3). Empty stands for the machine's own name.
ValueProblem set_hostname(std::string& field, std::string_view value);

/// An absolute path of at most `longest` octets, which is what the kernel takes; `example` shows the form.
ValueProblem set_path(std::string& field, std::string_view value, std::size_t longest, std::string_view example);
/// A host name without brackets, or none.
ValueProblem set_host_name(std::string& field, std::string_view value);
/// `sha256//BASE64` of a public key (SubjectPublicKeyInfo, RFC 7469 2.4), several for a rollover.
ValueProblem set_fingerprints(std::vector<std::string>& field, std::string_view value);
/// SASL mechanisms that libcurl knows, in upper case.
ValueProblem set_mechanisms(std::vector<std::string>& field, std::string_view value);
/// Keywords of EHLO that mean something to us, in upper case; those that Postfix knows beside them are taken and mean
/// nothing.
ValueProblem set_ehlo_keywords(std::vector<std::string>& field, std::string_view value);
/// Printable ASCII characters, but no letter, digit, blank or `@`; or nothing.
ValueProblem set_delimiter(std::string& field, std::string_view value);
/// yes, no, or the name or address of one host.
ValueProblem set_plaintext_auth(std::string& field, std::string_view value);
ValueProblem set_ident(std::string& field, std::string_view value);

}  // namespace relaypipe
