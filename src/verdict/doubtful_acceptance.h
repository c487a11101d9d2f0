#pragma once

#include <optional>
#include <string_view>

#include "smtp/reply.h"

namespace relaypipe {

/// Why a relay that accepted a message may not deliver it, as the end of a sentence that begins with "accepted the
/// message"; nothing where the reply is an ordinary one. Some providers take mail for recipients on their suppression
/// list, and drop it. What was accepted stays accepted: this is for the log.
std::optional<std::string_view> doubtful_acceptance(std::string_view provider, const Reply& reply);

}  // namespace relaypipe
