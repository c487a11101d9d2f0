#pragma once

#include <optional>
#include <string>

namespace relaypipe {

/// Why a file of authorities (`tls_ca_file`) makes nobody trusted, a phrase that follows its name; nothing where it
/// holds a certificate in PEM form, or cannot be read at all.
std::optional<std::string> authorities_problem(const std::string& file);

/// The same of a directory (`tls_ca_path`): OpenSSL finds an authority there only by its hashed name, `4a6481c9.0`.
std::optional<std::string> trust_store_problem(const std::string& directory);

}  // namespace relaypipe
