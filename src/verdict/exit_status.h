#pragma once

#include "verdict/verdict.h"

namespace relaypipe {

inline constexpr int kExitDelivered = 0;  ///< EX_OK
inline constexpr int kExitDeferred = 75;  ///< EX_TEMPFAIL, with 71 the only status that pipe(8) defers

/// The exit status of a delivery, as sysexits(3) and Postfix's sys_exits.c read it. This is the only place that makes
/// one: 0, 75, or one of 67 (5.1.1), 68 (5.1.2), 65 (5.6.x), 77 (5.7.x), 69 (any other hard one). Every other number, 1
/// and 78 included, would bounce.
int exit_status(const Verdict& verdict);

}  // namespace relaypipe
