#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/deadline.h"
#include "deliver/parent.h"
#include "message/envelope.h"
#include "message/message_source.h"
#include "relay/run_settings.h"
#include "verdict/verdict.h"

namespace relaypipe {

/// Why a delivery has to stop, for a reason that is no result of a relay.
struct StopReason {
  Halt halt;
  std::string detail;
};

/// Watches what ends a delivery other than the relays: the deadline, the one who wants the result, and a message that
/// turns out to be truncated or cannot be kept. The first reason counts.
class StopConditions {
 public:
  /// The references outlive it.
  StopConditions(const Clock& clock, Parent& parent, MessageSource& message, const Envelope& envelope,
                 const RunSettings& settings, Deadline deadline)
      : clock_(clock),
        parent_(parent),
        message_(message),
        envelope_(envelope),
        settings_(settings),
        deadline_(deadline) {}

  /// Looks at all of them. Whether the delivery has to stop.
  bool poll(Parent::Look look = Parent::Look::Recent);
  [[nodiscard]] const std::optional<StopReason>& reason() const { return reason_; }
  /// Adds a reason that somebody else found.
  void stop(Halt halt, std::string detail);
  /// The reply to the dot has decided: a reason that came up after the dot does not overrule it.
  void overrule() { reason_.reset(); }

  [[nodiscard]] bool message_complete() const { return message_.state() == MessageSource::State::Complete; }
  /// When poll() first found the message at its end; nothing while it is still coming in.
  [[nodiscard]] std::optional<Instant> message_end() const { return message_end_; }
  [[nodiscard]] const Deadline& deadline() const { return deadline_; }

 private:
  void look_at_message();

  const Clock& clock_;
  Parent& parent_;
  MessageSource& message_;
  const Envelope& envelope_;
  const RunSettings& settings_;
  Deadline deadline_;
  std::optional<StopReason> reason_;
  std::optional<Instant> message_end_;
};

}  // namespace relaypipe
