#include "deliver/rewritten_message.h"

#include <fmt/format.h>

#include <utility>

#include "base/printable.h"

namespace relaypipe {

RewrittenMessage::RewrittenMessage(const Envelope& envelope, MessageSource& message, const Relay& relay, bool header)
    : original_envelope_(envelope), original_(message) {
  // Bounces have no sender that could be another one, and whoever reads them has to see where they are from.
  if (envelope.sender.is_null()) return;
  const std::string& delimiters = relay.settings->recipient_delimiter;
  if (auto sender = rewritten(relay.rewriting.envelope_sender, envelope.sender, delimiters)) {
    envelope_ = envelope;
    envelope_->sender = *std::move(sender);
  }
  if (!header || !relay.rewriting.header_from.any()) return;
  from_ = rewrite_from(message, relay.rewriting.header_from, delimiters);
  if (!from_.edits.empty()) message_.emplace(message, std::exchange(from_.edits, {}));
}

std::string RewrittenMessage::words() const {
  std::string words;
  if (envelope_) words += fmt::format(", envelope_sender={}", printable(envelope_->sender.path()));
  if (!from_.address.empty()) words += fmt::format(", header_from=<{}>", printable(from_.address));
  return words;
}

void RewrittenMessage::tell(const Peer& peer, std::string_view log_id, Journal& journal, Trace* trace) const {
  if (trace != nullptr && !words().empty()) trace->dialogue(peer, Trace::Direction::Note, "rewritten" + words());
  if (from_.problem.empty()) return;
  journal.line(Journal::Level::Warning, fmt::format("{}: host {}: header_from: {}; the message goes with it as it is",
                                                    log_id, peer.text(), from_.problem));
}

}  // namespace relaypipe
