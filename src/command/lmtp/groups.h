#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/configuration.h"
#include "message/envelope.h"

namespace relaypipe {

/// The recipients of a message that are delivered together: by their places in the envelope, in its order.
using RecipientGroup = std::vector<std::size_t>;

/// Those whose nexthop leads the same way through the chains to the same chain or list, since a chain takes only
/// recipients of one rule at a time; and who ask the same of a relay: an internationalized address needs SMTPUTF8,
/// which must not keep the others from a relay without it.
std::vector<RecipientGroup> group_recipients(const Configuration& configuration, const std::string& nexthop,
                                             const Envelope& envelope);

}  // namespace relaypipe
