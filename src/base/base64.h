#pragma once

#include <string>
#include <string_view>

namespace relaypipe {

/// Base64 with padding and without line ends (RFC 4648 section 4).
std::string base64(std::string_view octets);

/// The same, appended to `text`.
void append_base64(std::string_view octets, std::string& text);

}  // namespace relaypipe
