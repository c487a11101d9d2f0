#include "state/same_message.h"

#include <algorithm>

#include "base/hash.h"
#include "state/unconfirmed.h"
#include "verdict/classify.h"

namespace relaypipe {
namespace {

/// How long it is remembered that a relay has a message. Whoever gave it to us is told at once, so it matters only when
/// they die before they have heard it; and when they are dead already, Postfix delivers the message again for as long
/// as it keeps mail (maximal_queue_lifetime).
constexpr Span kAcceptedHold = std::chrono::minutes(10);
constexpr Span kUnheardHold = std::chrono::days(5);

}  // namespace

std::vector<std::string> SameMessage::names() const {
  std::vector<std::string> names;
  if (envelope_.queue_id.empty()) return names;
  for (const Address& recipient : envelope_.recipients)
    names.push_back(message_key(envelope_.queue_id, recipient.text()));
  return names;
}

std::optional<Verdict> SameMessage::recognise(RoutePlan& plan) {
  const std::span<const MessageState> known = history_.message();
  const std::uint64_t content = content_stamp();
  if (const MessageState* const before = accepted_before(known, envelope_, content)) {
    return Verdict{Disposition::Delivered,
                   {2, 0, 0},
                   before->words + "; an earlier delivery of this message, which did not hear of it, had it accepted",
                   {}};
  }
  narrow_to_unconfirmed(plan, known, content, settings_.on_unconfirmed, settings_.unconfirmed_hold, history_.now());
  return std::nullopt;
}

void SameMessage::keep(const Attempt& attempt, bool received) {
  if (std::holds_alternative<Accepted>(attempt.what)) {
    history_.remember_message(MessageState::Kind::Accepted, attempt, content_stamp(),
                              received ? kAcceptedHold : kUnheardHold);
  } else if (std::holds_alternative<Unconfirmed>(attempt.what)) {
    // Longer than the hold: after it this relay comes last.
    history_.remember_message(MessageState::Kind::Unconfirmed, attempt, content_stamp(),
                              to_span(settings_.unconfirmed_hold) + kUnheardHold);
  }
}

/// Tells this message from another one that gets its queue id later: the size and the beginning, in which Postfix's own
/// Received: line has the time.
std::uint64_t SameMessage::content_stamp() {
  constexpr std::uint64_t kBeginning = 8192;
  const std::uint64_t wire = message_.facts().wire;
  std::uint64_t stamp = hash_octets(envelope_.sender.text(), hash_octets(std::to_string(wire)));
  for (std::uint64_t offset = 0; offset < std::min(wire, kBeginning);) {
    const std::string_view piece = message_.read(offset).substr(0, kBeginning - offset);
    if (piece.empty()) break;
    stamp = hash_octets(piece, stamp);
    offset += piece.size();
  }
  return stamp;
}

}  // namespace relaypipe
