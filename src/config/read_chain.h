#pragma once

#include <vector>

#include "config/configuration.h"
#include "config/document_reader.h"

namespace relaypipe {

/// Fills the chain of a `[chain.NAME]`, whose name and position it has. `known` has the names of all relays and chains.
void read_chain(const Section& section, const DocumentTable& table, const Configuration& known,
                const ServicePort& service, ChainConfig& chain);

/// Chains whose rules lead back to where a message has been: each such circle is one problem.
void find_circles(const Configuration& configuration, std::vector<ConfigProblem>& problems);

/// Relays that no chain uses.
void find_unused(const Configuration& configuration, std::vector<ConfigProblem>& problems);

}  // namespace relaypipe
