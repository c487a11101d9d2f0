#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace relaypipe {

/// A command of the store's protocol (RESP), word by word.
using StoreCommand = std::vector<std::string>;

/// What the store answered to one.
struct StoreReply {
  enum class Kind { Nothing, Text, Number, List, Error } kind = Kind::Nothing;
  std::string text;  ///< of Text and Error
  std::int64_t number = 0;
  std::vector<StoreReply> list;

  [[nodiscard]] bool is_error(std::string_view code) const { return kind == Kind::Error && text.starts_with(code); }
};

/// The store reckons in doubles, whose whole numbers end here; as milliseconds no year that comes.
inline constexpr std::int64_t kMostStoreNumber = std::int64_t{1} << 53U;
/// Octets of a host's name, or its id, that are shown.
inline constexpr std::size_t kLongestHostName = 255;

/// Why a reply is of no use, a phrase that is never empty: its own words where it is an error.
std::string problem_of(const StoreReply& reply);

}  // namespace relaypipe
