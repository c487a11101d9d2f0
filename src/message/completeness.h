#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "message/content_encoder.h"
#include "message/envelope.h"

namespace relaypipe {

/// Why the content that was read cannot be the whole message, or nothing. Only for messages that come from Postfix (a
/// queue id or a size is given) and have no mark of their end: in LMTP the dot is one, and lmtp(8) folds, converts and
/// rewrites after the size was counted.
///
/// pipe(8) ends every message with LF (mail_copy.c). Its `${size}` counts the records of the queue file, which for mail
/// that no milter saw is ContentFacts::queue_size, or two more. Where milters are configured, the count has 34 octets
/// and up to 15 for each short header line more (cleanup_message.c), and what milters *remove* from the header stays
/// counted: so up to `tolerance` octets, but never more than half of the announced size, may be missing without being
/// missed. That the writer is alive after its last octet is checked elsewhere (Caller) and catches what remains.
std::optional<std::string> truncation(const ContentFacts& content, const Envelope& envelope, std::uint64_t tolerance);

}  // namespace relaypipe
