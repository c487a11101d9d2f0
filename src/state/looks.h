#pragma once

#include <vector>

#include "base/owner.h"
#include "base/wall_time.h"

namespace relaypipe {

/// A process that tries whether a relay is well, again or for the first time.
struct Look {
  Owner owner;
  WallTime since;
  WallTime until;  ///< it hangs unless it has made progress by then
};

/// So many processes may try a relay of which nothing is known, and so many may hang at one that is not well, before
/// the next ones have to wait for what they find.
inline constexpr std::size_t kLooks = 3;

/// Makes the owner of `look` one that looks, once. It hangs from `look.until` on, unless keep_looking() says that it
/// has made progress. Those of dead processes, and too many of them, are forgotten.
void take_look(std::vector<Look>& looks, const Look& look, const Alive& alive);
void keep_looking(std::vector<Look>& looks, const Owner& owner, WallTime until);
void end_look(std::vector<Look>& looks, const Owner& owner);

}  // namespace relaypipe
