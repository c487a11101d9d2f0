#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/wall_time.h"
#include "relay/reply_rule.h"

namespace relaypipe {

/// A change of a relay's state that somebody may want to be told of.
struct Change {
  enum class Kind {
    Down,       ///< it failed, and cools down until `until`
    Up,         ///< it is well again
    Suspended,  ///< by the administrator, until `until`
    Resumed,    ///< by the administrator
    Reset,      ///< by the administrator: everything about it was forgotten
  } kind = Kind::Down;
  WallTime at = kNever;
  std::string relay;
  Cause cause = Cause::Unknown;  ///< of Down, and of the failure that is over with Up
  WallTime until = kNever;
  std::string words;  ///< what happened, one printable line
};

inline constexpr std::size_t kChanges = 100;                ///< that are remembered
inline constexpr std::string_view kChangesKey = "changes";  ///< under which

/// The record of the last changes with some more, the oldest gone where there are too many.
std::string append_changes(std::string_view octets, std::span<const Change> more);
/// Oldest first. None where the octets are of another version or make no sense: unreadable counts as absent.
std::vector<Change> unpack_changes(std::string_view octets);

/// `down`, `up`, `suspended`, `resumed`, `reset`.
std::string_view kind_name(Change::Kind kind);

}  // namespace relaypipe
