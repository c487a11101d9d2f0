#include "verdict/recipient_results.h"

#include <numeric>
#include <utility>

namespace relaypipe {

std::vector<std::size_t> recipients_of(const Attempt& attempt, const Envelope& envelope) {
  if (!attempt.recipients.empty()) return attempt.recipients;
  std::vector<std::size_t> all(envelope.recipients.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

std::vector<RecipientResult> split_by_recipient(const AttemptResult& whole, std::span<const Reply> replies,
                                                std::span<const std::size_t> recipients) {
  const bool verified = std::holds_alternative<Deliverable>(whole);
  RecipientResult accepted{whole, {}};
  std::vector<RecipientResult> others;
  for (std::size_t i = 0; i < recipients.size(); ++i) {
    const bool refused = i < replies.size() && !replies[i].positive();
    if (refused)
      others.push_back({RecipientsRefused{{replies[i]}}, {recipients[i]}});
    else if (verified)
      others.push_back({Deliverable{replies[i]}, {recipients[i]}});
    else
      accepted.recipients.push_back(recipients[i]);
  }
  if (!accepted.recipients.empty()) others.insert(others.begin(), std::move(accepted));
  return others;
}

}  // namespace relaypipe
