#pragma once

#include <string>

#include "base/wall_time.h"
#include "config/reply_rule.h"

namespace relaypipe {

/// A change of a relay's state that somebody may want to be told of.
struct Change {
  enum class Kind {
    Down,       ///< it failed, and rests until `until`
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

}  // namespace relaypipe
