#pragma once

#include <optional>
#include <span>
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

/// The address without its extension, `user@example.com` for `user+news@example.com`, or nothing where it has none.
/// Each character of `delimiters` (recipient_delimiter) begins one; the first in the local part counts. As in Postfix
/// postmaster, mailer-daemon and double-bounce have none, nor have, with `-`, owner-LIST and LIST-request.
std::optional<std::string> without_extension(std::string_view address, std::string_view delimiters);

/// Whether one of the patterns matches the address, with its extension or without.
bool matches_any(std::span<const AddressPattern> patterns, std::string_view address, std::string_view delimiters);

/// The error says what is wrong and which forms there are.
Result<AddressPattern, std::string> parse_address_pattern(std::string_view text);

}  // namespace relaypipe
