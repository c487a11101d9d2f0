#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace relaypipe {

/// One envelope address, checked and in the quoted form that may stand between `<` and `>` on the wire (RFC
/// 5321 4.1.2). The empty address is the null sender, or no recipient at all.
class Address {
 public:
  Address() = default;

  /// `local@domain` with the local part quoted where it must be; empty for the null sender.
  [[nodiscard]] const std::string& text() const { return text_; }
  /// The reverse-path or forward-path: `<local@domain>` or `<>`.
  [[nodiscard]] std::string path() const { return "<" + text_ + ">"; }
  [[nodiscard]] bool is_null() const { return text_.empty(); }
  /// The part after the last `@`, as given; empty where there is none.
  [[nodiscard]] std::string_view domain() const;
  /// Whether the address has octets outside ASCII, so that a relay has to offer SMTPUTF8 (RFC 6531 3.2).
  [[nodiscard]] bool is_internationalized() const;

  friend bool operator==(const Address&, const Address&) = default;

 private:
  friend Result<Address, std::string> parse_address(std::string_view text);
  explicit Address(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

/// Reads an address as pipe(8) hands it over: with its flag `q` (RFC 822 quoted), or without (Postfix's internal form:
/// anything before the last `@` is the local part as it is). One pair of angle brackets around it is taken off. The
/// local part is quoted where it is neither a dot-string nor a valid quoted string already. What cannot become a valid
/// path (CR, LF, NUL or another control octet, no domain except for `postmaster`, an empty or malformed domain, over
/// 900 octets) is an error text such as "holds a line feed".
Result<Address, std::string> parse_address(std::string_view text);

/// Reads a reverse-path: like parse_address, and the empty string, `<>` and pipe(8)'s default stand-in for the null
/// sender, `MAILER-DAEMON` without a domain (pipe(8), `null_sender`), are the null sender.
Result<Address, std::string> parse_sender(std::string_view text);

}  // namespace relaypipe
