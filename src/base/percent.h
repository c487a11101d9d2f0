#pragma once

#include <string>
#include <string_view>

namespace relaypipe {

/// Octets as one part of a URL's path or query: everything but letters, digits and `-._~` is percent-encoded (RFC 3986
/// section 2.3).
std::string percent_encoded(std::string_view octets);

}  // namespace relaypipe
