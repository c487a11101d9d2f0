#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/position.h"

namespace relaypipe {

/// A configuration file as plain values, without the library that read it: io/toml_config makes it,
/// read_configuration() judges it.
struct DocumentValue;
struct DocumentEntry;
using DocumentArray = std::vector<DocumentValue>;
using DocumentTable = std::vector<DocumentEntry>;

struct DocumentValue {
  std::variant<std::string, std::int64_t, double, bool, DocumentArray, DocumentTable> value;
  Place at;
};

struct DocumentEntry {
  std::string key;
  Place at;
  DocumentValue value;
};

/// One file. Its entries are in the order in which they were written. The name stands here once instead of in every
/// place: copying it for each of a thousand values would cost more than judging them.
struct Document {
  std::string file;
  DocumentTable entries;

  [[nodiscard]] Position position(Place at) const { return {file, at.line, at.column}; }
};

}  // namespace relaypipe
