#pragma once

#include <vector>

#include "config/configuration.h"

namespace relaypipe {

/// Chains whose rules lead back to where a message has been: each such circle is one problem.
void find_circles(const Configuration& configuration, std::vector<ConfigProblem>& problems);

/// Chains none of whose relays takes bounces, mail of the sender <>: it would wait for ever.
void find_closed_to_bounces(const Configuration& configuration, std::vector<ConfigProblem>& problems);

/// Whether that is so of one chain. Its rules are looked at elsewhere: they may lead to another chain.
bool no_relay_takes_bounces(const Configuration& configuration, const ChainConfig& chain);

/// Relays that no chain uses.
void find_unused(const Configuration& configuration, std::vector<ConfigProblem>& problems);

}  // namespace relaypipe
