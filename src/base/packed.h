#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/owner.h"
#include "base/wall_time.h"

namespace relaypipe {

/// Writes values one after the other into octets: numbers in sevens of bits (LEB128), times as numbers.
class Packer {
 public:
  void number(std::uint64_t value);
  void time(WallTime time) { number(static_cast<std::uint64_t>(time.time_since_epoch().count())); }
  void real(double value);
  void text(std::string_view text);
  void owner(const Owner& owner);

  [[nodiscard]] std::string take() { return std::move(octets_); }

 private:
  std::string octets_;
};

/// Reads them back. Foreign octets are expected: whatever is wrong with them, nothing is read beyond their end, and
/// fine() is false from then on.
class Unpacker {
 public:
  explicit Unpacker(std::string_view octets) : rest_(octets) {}

  std::uint64_t number();
  /// A number of things that follow, each at least one octet: never more than what is left.
  std::size_t count();
  std::uint32_t small();
  WallTime time() { return WallTime(Span(static_cast<std::int64_t>(number()))); }
  double real();
  std::string text();
  Owner owner();

  [[nodiscard]] bool fine() const { return fine_; }
  /// Everything was read, and nothing was wrong.
  [[nodiscard]] bool done() const { return fine_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool fine_ = true;
};

}  // namespace relaypipe
