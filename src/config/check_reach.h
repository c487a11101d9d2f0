#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "config/configuration.h"

namespace relaypipe {

/// Relays that get no mail although a chain has them: the rules of every such chain send all the senders (or
/// recipients) that the relay may carry elsewhere. No part of read_configuration(): every delivery would pay for it.
void find_unreachable(const Configuration& configuration, std::vector<ConfigProblem>& problems);

/// The same for relays of chains that only `by_sender` rules lead to, where none of those senders is one the relay may
/// carry. `named`: the chains that Postfix names; a policy server may name any, so a configuration with one is not
/// judged.
void find_unreachable_from(const Configuration& configuration, const std::set<std::string, std::less<>>& named,
                           std::vector<ConfigProblem>& problems);

}  // namespace relaypipe
