#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>

#include "base/packed.h"
#include "base/wall_time.h"

namespace relaypipe {

/// Whether these are all values of an enum that records hold, each with the number of its place. Records outlive the
/// program that wrote them: a value that gets another number would be read as another one, so new ones come last.
template <class Enum>
constexpr bool numbered_in_order(std::initializer_list<Enum> values, Enum last) {
  std::size_t number = 0;
  for (const Enum value : values) {
    if (static_cast<std::size_t>(value) != number++) return false;
  }
  return number == static_cast<std::size_t>(last) + 1;
}

/// Writes the number of a value.
template <class Enum>
void pack_enum(Packer& out, Enum value) {
  out.number(static_cast<std::uint64_t>(value));
}

/// The value that has the next number of a record; nothing where that is beyond the `last` one there is.
template <class Enum>
std::optional<Enum> unpack_enum(Unpacker& in, Enum last) {
  const std::uint64_t number = in.number();
  if (number > static_cast<std::uint64_t>(last)) return std::nullopt;
  return static_cast<Enum>(number);
}

/// Writes a time that there may not be: the epoch stands for none.
inline void pack_time(Packer& out, const std::optional<WallTime>& time) { out.time(time.value_or(kNever)); }

/// Reads it back.
inline std::optional<WallTime> unpack_time(Unpacker& in) {
  const WallTime time = in.time();
  return time == kNever ? std::nullopt : std::optional(time);
}

/// Whether a time can be reckoned with: one that is far from any real one would overflow when something is added.
inline bool is_plausible(WallTime time) { return time >= kNever && time < WallTime(std::chrono::days(365 * 500)); }

}  // namespace relaypipe
