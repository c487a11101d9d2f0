#pragma once

#include <span>
#include <string>
#include <string_view>

namespace relaypipe {

/// One field of the head of a request or an answer (RFC 9110 section 5).
struct HttpField {
  std::string name;
  std::string value;

  friend bool operator==(const HttpField&, const HttpField&) = default;
};

/// The value of the first field of that name, in lower case as HttpAnswer has them; empty where there is none.
inline std::string_view field_value(std::span<const HttpField> fields, std::string_view name) {
  for (const HttpField& field : fields) {
    if (field.name == name) return field.value;
  }
  return {};
}

}  // namespace relaypipe
