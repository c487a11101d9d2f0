#pragma once

#include "config/configuration.h"
#include "config/document_reader.h"

namespace relaypipe {

/// Fills the chain of a `[chain.NAME]`, whose name and position it has. `known` has the names of all relays and chains.
void read_chain(const Section& section, const DocumentTable& table, const Configuration& known,
                const ServicePort& service, ChainConfig& chain);

}  // namespace relaypipe
