#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "message/envelope.h"
#include "relay/run_settings.h"
#include "route/plan.h"
#include "state/message_record.h"

namespace relaypipe {

/// An earlier delivery of this very message that was accepted, or nothing: all recipients have to have it, since one
/// result serves all. `content` tells this message from another one that got the same queue id later.
const MessageState* accepted_before(std::span<const MessageState> known, const Envelope& envelope,
                                    std::uint64_t content);

/// Where an earlier delivery of this message ended without a reply to its dot: the plan is narrowed to that relay while
/// `hold` lasts, because only that relay can know that it has the message. Afterwards, and at once where `policy` is
/// Any, that relay is the last one of the plan. A relay that is no longer in the plan changes nothing. Returns the
/// record that was obeyed.
const MessageState* narrow_to_unconfirmed(RoutePlan& plan, std::span<const MessageState> known, std::uint64_t content,
                                          OnUnconfirmed policy, Duration hold, WallTime now);

}  // namespace relaypipe
