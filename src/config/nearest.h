#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace relaypipe {

/// The known word nearest to `word` by edit distance, or nothing when none is near enough to be meant.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace relaypipe
