#pragma once

#include <span>

#include "state/change.h"
#include "state/store.h"

namespace relaypipe {

/// Appends to the last changes that all processes remember together (`relaypipe log`).
void note_changes(StateStore& store, std::span<const Change> changes, WallTime now);

/// The last of them, oldest first.
std::vector<Change> noted_changes(StateStore& store, WallTime now);

}  // namespace relaypipe
