#pragma once

#include <string>
#include <vector>

#include "config/configuration.h"

namespace relaypipe {

/// Chains whose rules lead back to where a message has been: each such circle is one problem.
void find_circles(const Configuration& configuration, std::vector<ConfigProblem>& problems);

/// Chains none of whose relays takes bounces, mail of the sender <>: it would wait for ever.
void find_closed_to_bounces(const Configuration& configuration, std::vector<ConfigProblem>& problems);

/// Whether that is so of one chain. Its rules are looked at elsewhere: they may lead to another chain.
bool no_relay_takes_bounces(const Configuration& configuration, const ChainConfig& chain);

/// Whether a relay may be offered mail of the sender <> at all, apart from its `senders`: the interfaces of some
/// providers send only as somebody.
bool takes_null_sender(const RelayConfig& relay);

/// Relays that no chain uses.
void find_unused(const Configuration& configuration, std::vector<ConfigProblem>& problems);

/// Relays whose interface writes to whom the header of a message names (graph, gmail): they want all recipients of a
/// message in one delivery.
struct HeaderRelays {
  bool any = false;
  std::string chain = {};  ///< the first chain that has no other relay; empty: none
};
HeaderRelays find_header_relays(const Configuration& configuration);

}  // namespace relaypipe
