#pragma once

#include <cstdint>
#include <optional>

#include "message/content_encoder.h"
#include "message/envelope.h"
#include "smtp/capabilities.h"
#include "verdict/attempt_result.h"

namespace relaypipe {

/// Why a ready relay cannot take this message, or nothing. An internationalized address needs SMTPUTF8 (RFC 6531 3.2);
/// a message larger than the announced SIZE would be refused (RFC 1870 section 6). 8-bit content goes to relays without
/// 8BITMIME as it is: changing it would break its signatures.
/// `max_size` is the administrator's own limit for the relay.
std::optional<Unsupported> find_unsupported(const Envelope& envelope, const ContentFacts& content,
                                            const Capabilities& relay,
                                            std::optional<std::uint64_t> max_size = std::nullopt);

}  // namespace relaypipe
