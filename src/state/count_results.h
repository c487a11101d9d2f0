#pragma once

#include <span>

#include "state/counters.h"
#include "state/store.h"
#include "verdict/verdict.h"

namespace relaypipe {

/// What a delivery adds to the counters: each attempt that failed, and each verdict that is no success. A relay that
/// was not asked, or only superseded, has not failed.
Counters results_of(std::span<const ClassifiedAttempt> attempts, std::span<const Verdict> verdicts);

/// Adds to the counters of all processes; costs nothing where there is nothing to add.
void add_to_counters(StateStore& store, const Counters& more, WallTime now);

/// The counters of all processes.
Counters read_counters(StateStore& store, WallTime now);

}  // namespace relaypipe
