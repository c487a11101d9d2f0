#pragma once

#include "state/quota.h"

namespace relaypipe {

// Sessions that are kept for the next message are among the connections that a relay may have. Whoever needs such a
// place asks for it in the relay's record, and the process that keeps the session gives it up.

/// What came of asking for the place of an idle session.
enum class IdlePlace {
  None,     ///< there is none
  Asked,    ///< somebody was asked for it, which is to be written
  Waiting,  ///< all were asked for before
};

/// Asks for the place of an idle session of another process: the one that is idle for the longest.
IdlePlace want_idle_place(Allowance& allowance, const Owner& self);

/// Whether another delivery needs the place of the session that `owner` keeps.
bool is_wanted(const Allowance& allowance, const Owner& owner);

/// The session that `owner` kept is closed: its place is free.
void close_idle(Allowance& allowance, const Owner& owner);

}  // namespace relaypipe
