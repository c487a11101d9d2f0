#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace relaypipe {

/// The texts, numbers and truth values in a JSON text (RFC 8259), each with the names that lead to it:
/// `error.code`, `error.details.0.reason`. A text is decoded; a number is as written, or as JSON writes it.
class JsonMembers {
 public:
  JsonMembers() = default;
  explicit JsonMembers(std::vector<std::pair<std::string, std::string>> members) : members_(std::move(members)) {}

  /// The value at that path, or empty.
  [[nodiscard]] std::string_view at(std::string_view path) const {
    for (const auto& [name, value] : members_) {
      if (name == path) return value;
    }
    return {};
  }
  [[nodiscard]] bool empty() const { return members_.empty(); }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& all() const { return members_; }

 private:
  std::vector<std::pair<std::string, std::string>> members_;
};

/// Reads one; nothing where it is not valid, or nested deeper than 32. `null` has no member, and only the first 500
/// values have one; a name ends after 64 octets. The parser is a library's (io/base/json_reader.h).
using ReadJson = std::optional<JsonMembers> (*)(std::string_view text);

/// A text in UTF-8 as it appears between quotation marks: these, backslashes and control characters are escaped.
std::string json_escaped(std::string_view text);

}  // namespace relaypipe
