#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "message/envelope.h"
#include "verdict/attempt_result.h"

namespace relaypipe {

/// The recipients that an attempt concerns, by their places in the envelope.
std::vector<std::size_t> recipients_of(const Attempt& attempt, const Envelope& envelope);

/// What a transaction showed for some of its recipients.
struct RecipientResult {
  AttemptResult what;
  std::vector<std::size_t> recipients;  ///< by their places in the envelope
};

/// What a transaction that does not need all of its recipients (TransactionRequest::Goal) showed for each of them:
/// `whole` for those that were accepted, their own refusal for the others. `replies` to RCPT, in the order of
/// `recipients`, as many as came. Those that `whole` speaks of come first.
std::vector<RecipientResult> split_by_recipient(const AttemptResult& whole, std::span<const Reply> replies,
                                                std::span<const std::size_t> recipients);

}  // namespace relaypipe
