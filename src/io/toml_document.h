#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/configuration.h"

namespace relaypipe {

/// The text of one file as plain values. What toml++ cannot read is a problem, and then there is nothing.
std::optional<Document> parse_document(std::string_view text, const std::string& file,
                                       std::vector<ConfigProblem>& problems);

}  // namespace relaypipe
