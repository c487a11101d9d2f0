#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace relaypipe {

/// JSON as it is printed, ended by a line feed: on lines of their own with this indent, or all on one for -1. Octets
/// that are no UTF-8, as a relay may say, become U+FFFD.
std::string json_text(const nlohmann::ordered_json& json, int indent = 2);

/// Why there is no answer: `{"error": …}`.
std::string error_json(const std::string& text);

}  // namespace relaypipe
