#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace relaypipe {

/// The mechanisms that may be used with a password, or with a bearer token, in upper case and the strongest first; none
/// where `allowed` (auth_mechanisms; empty: no restriction) leaves none.
///
/// Unless named, GSSAPI and NTLM are left out, which need more than a password and fail where they are chosen by
/// mistake; DIGEST-MD5, which is historic (RFC 6331) and seldom works between two makers; and EXTERNAL, which uses none
/// of what we have.
std::vector<std::string> mechanisms_for(bool bearer, std::span<const std::string> allowed);

/// Whether AUTH may carry an initial response (RFC 4954 section 4). LOGIN defines none: a relay that takes no notice of
/// it asks for the user name, and would be told the password. `offered` are the relay's mechanisms, `usable` ours.
bool has_initial_response(std::span<const std::string> offered, std::span<const std::string> usable);

/// What is wrong with a challenge of AUTH LOGIN, as a phrase. The user name is the answer to the first one and the
/// password to the second one, whatever they say; but a relay that plainly asks for the other gets neither. `nth`
/// counts from 0; `base64` is what follows `334`.
std::optional<std::string_view> login_challenge_fault(std::size_t nth, std::string_view base64);

/// Whether it is one of the SCRAM mechanisms (RFC 5802), in upper case. libcurl, which says AUTH, does them only with
/// libgsasl, and no Debian package of it has that.
bool is_scram(std::string_view mechanism);

/// Why no AUTH happened, in words: what the relay offers, and what we may use.
std::string no_common_mechanism(std::span<const std::string> offered, std::span<const std::string> usable);

/// The text of a server challenge (`334 BASE64`), printable and short; XOAUTH2 tells its errors in one. What is no
/// base64 is returned as it is.
std::string challenge_text(std::string_view base64);

/// The line with every occurrence of a secret replaced. A relay that repeats what it was given must not bring it into a
/// log. Secrets shorter than four octets are skipped: they would be found in every other word.
std::string redacted(std::string_view line, std::span<const std::string_view> secrets);

}  // namespace relaypipe
