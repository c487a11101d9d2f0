#pragma once

#include <string>
#include <string_view>

#include "base/wall_time.h"

namespace relaypipe {

inline constexpr std::string_view kFleetKey = "fleet";  ///< of the record

/// How the fleet's store is for this host: a breaker for all its relays.
struct StoreHealth {
  WallTime tried = kNever;     ///< when a question was last begun
  WallTime answered = kNever;  ///< when one was last answered
  WallTime since = kNever;     ///< since when none is; kNever while they are
  std::string words;           ///< why, printable

  [[nodiscard]] bool away() const { return since != kNever; }
};

std::string pack(const StoreHealth& store);
/// Empty where the octets are of another version or make no sense: unreadable counts as absent.
StoreHealth unpack_store_health(std::string_view octets);

/// Whether the store may be asked now: while it is away, once in kAskAgain. A time ahead of a clock that was set back
/// does not count.
bool may_ask(const StoreHealth& store, WallTime now);

/// Notes how a question ended; `problem` is empty where it was answered. Whether the store went away or came back.
bool note_end(StoreHealth& store, std::string_view problem, WallTime now);

}  // namespace relaypipe
