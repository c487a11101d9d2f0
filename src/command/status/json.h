#pragma once

#include <string>
#include <vector>

#include "state/change.h"

namespace relaypipe {

/// A change as one line of JSON, for `on_change`.
std::string change_json(const Change& change);

/// `relaypipe log --json`.
std::string changes_json(const std::vector<Change>& changes);

}  // namespace relaypipe
