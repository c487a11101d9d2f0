#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "message/envelope.h"
#include "message/message_source.h"
#include "relay/run_settings.h"
#include "route/plan.h"
#include "state/delivery_history.h"
#include "verdict/attempt_result.h"
#include "verdict/verdict.h"

namespace relaypipe {

/// What earlier deliveries of the very same message mean for this one, and what this one leaves to later ones. The same
/// is the one with its queue id, its recipients and its content.
class SameMessage {
 public:
  /// The references outlive it.
  SameMessage(const Envelope& envelope, MessageSource& message, DeliveryHistory& history, const RunSettings& settings)
      : envelope_(envelope), message_(message), history_(history), settings_(settings) {}

  /// By which another delivery of it is recognised while it runs; nothing where it has no queue id.
  [[nodiscard]] std::vector<std::string> names() const;

  /// Whether anything is known of it. Then nobody may be asked to take it before it is complete, since only its content
  /// tells whether it is the same.
  [[nodiscard]] bool known() const { return !history_.message().empty(); }

  /// Of a complete message: that an earlier delivery had it accepted; or the plan is narrowed to the relay that may
  /// have it.
  std::optional<Verdict> recognise(RoutePlan& plan);

  /// Keeps what a later delivery has to know of an attempt, from the dot on. `heard`: whoever gave us the message is
  /// still there, and is told of its end.
  void keep(const Attempt& attempt, bool received);

 private:
  std::uint64_t content_stamp();

  const Envelope& envelope_;
  MessageSource& message_;
  DeliveryHistory& history_;
  const RunSettings& settings_;
};

}  // namespace relaypipe
