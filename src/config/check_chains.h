#pragma once

#include <vector>

#include "config/configuration.h"

namespace relaypipe {

/// Chains whose rules lead back to where a message has been: each such circle is one problem.
void find_circles(const Configuration& configuration, std::vector<ConfigProblem>& problems);

/// Relays that no chain uses.
void find_unused(const Configuration& configuration, std::vector<ConfigProblem>& problems);

}  // namespace relaypipe
