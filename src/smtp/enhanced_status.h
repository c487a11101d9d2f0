#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace relaypipe {

/// An enhanced mail system status code, D.S.N (RFC 3463 section 2): class 2, 4 or 5, subject and detail 0 to 999.
struct EnhancedStatus {
  int klass = 4;
  int subject = 0;
  int detail = 0;

  [[nodiscard]] std::string text() const;  ///< "5.1.1"
  [[nodiscard]] EnhancedStatus as_soft() const { return {4, subject, detail}; }

  friend bool operator==(const EnhancedStatus&, const EnhancedStatus&) = default;
};

/// Reads a D.S.N that begins `text` and is followed by its end or a blank, as Postfix does (global/dsn_util.c).
std::optional<EnhancedStatus> parse_enhanced_status(std::string_view text);

}  // namespace relaypipe
