#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace relaypipe {

/// Which addresses a rule means: `user@domain`, `@domain`, `@.domain` (every sub-domain of it, not itself), or `<>`
/// (the null sender). Compared without regard to case, local part included, as Postfix's maps are.
class AddressPattern {
 public:
  [[nodiscard]] bool matches(std::string_view address) const;
  /// Whether it matches every address that the other one matches.
  [[nodiscard]] bool covers(const AddressPattern& other) const;
  /// How narrow it is; of several that match, the greatest decides: an address, then a domain, then the longest parent.
  [[nodiscard]] std::size_t precision() const;
  [[nodiscard]] const std::string& text() const { return text_; }
  /// As it is written in the configuration: `<>` for the null sender.
  [[nodiscard]] std::string written() const { return text_.empty() ? "<>" : text_; }

  friend bool operator==(const AddressPattern&, const AddressPattern&) = default;

 private:
  friend Result<AddressPattern, std::string> parse_address_pattern(std::string_view text);
  explicit AddressPattern(std::string text) : text_(std::move(text)) {}
  std::string text_;  ///< lower case; empty for the null sender
};

/// The error says what is wrong and which forms there are.
Result<AddressPattern, std::string> parse_address_pattern(std::string_view text);

}  // namespace relaypipe
