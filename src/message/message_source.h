#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "message/content_encoder.h"

namespace relaypipe {

/// The content of the message: read once, kept in wire form (CRLF, dot-stuffed, without the final dot), replayed for
/// every attempt.
class MessageSource {
 public:
  virtual ~MessageSource() = default;
  enum class State { Reading, Complete, Failed };
  [[nodiscard]] virtual State state() const = 0;
  /// What went wrong, when Failed.
  [[nodiscard]] virtual const std::string& failure() const = 0;
  /// Final when Complete.
  [[nodiscard]] virtual const ContentFacts& facts() const = 0;
  /// Octets of the wire form from `offset` on: at least one below facts().wire. The view holds until the next call.
  /// Nothing (an empty view before the end) means that the spool cannot be read.
  virtual std::string_view read(std::uint64_t offset) = 0;
};

}  // namespace relaypipe
