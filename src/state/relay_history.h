#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/owner.h"
#include "base/wall_time.h"
#include "message/envelope.h"
#include "route/plan.h"
#include "state/calendar.h"
#include "state/state_record.h"
#include "verdict/attempt_result.h"

namespace relaypipe {

/// What is remembered of the relay of one leg.
struct RelayHistory {
  RelayState relay;
  Health with_sender;                     ///< of this relay with the message's sender
  std::vector<Health> with_domains = {};  ///< and with the domain of each recipient, as domains_of() lists them
};

/// The recipients' domains, each once, in lower case.
std::vector<std::string> domains_of(const Envelope& envelope);

/// What is needed to judge it.
struct Context {
  WallTime now;
  WallTime end;  ///< of the delivery
  const Envelope& envelope;
  Span max_wait;  ///< of the run: for a place, or for what another process finds
  Owner self;
  Alive alive;
  ZoneOffset zones;
  std::function<std::uint64_t(const Relay&)> credentials;  ///< stamps their present source
  std::function<std::uint64_t(const Relay&)> settings;     ///< stamps what a connection is made with
  bool asked = false;                                      ///< the fleet's store was asked for this leg already
};

/// Whether a leg may be tried now.
struct Admission {
  enum class Kind {
    Go,
    Later,  ///< ask again at `at`: a place within a limit is free then, or what another process finds may be known
    Ask,    ///< of the fleet's slice nothing is left, and its store may have more: ask it, then again
    No,     ///< `why`
  } kind = Kind::Go;
  bool looks = false;               ///< with Go: it is this delivery that looks whether the relay is well
  bool asked = false;               ///< of Later: it has asked for the place of an idle session, which is to be written
  std::optional<WallTime> at = {};  ///< of Later
  Skipped why = {};                 ///< of No
};

/// Brings everything remembered of a relay to the present: times, windows, holds of dead processes. Returns the time to
/// go on with.
WallTime settle(RelayHistory& history, const Limits& limits, const Context& around);

/// Whether it was left by a clock that has been set back since. Then it has to be kept as settle() makes it: it would
/// be brought back anew at every look, and never be over.
bool is_ahead(const RelayHistory& history, WallTime now);

/// Puts the legs of a plan into the order in which they are tried, from what is remembered of each, and says in
/// `reason` why one stands where it stands:
///
/// - a relay that cools down, is suspended, has a limit used up or did not take this sender goes behind all others, the
/// one
///   that is due soonest first;
/// - so does one that others have looked at in vain without its ever having been ready;
/// - one that is much slower than the best of its tier goes behind its tier's others.
///
/// It also sets each leg's endpoints that cool down, and whether admit() has to be asked before it is tried.
void order_by_history(RoutePlan& plan, std::vector<RelayHistory> history, const Context& around);

/// Judges one leg at the moment in which it would be tried. `waited` is how long this delivery has waited for it
/// already; `again`: it has tried the relay already, so what is remembered of its health is what this delivery saw
/// itself, and whether it gets a second chance is the plan's business. With Go it takes what the attempt needs: a place
/// within the limits, and the right to look. While others look at a relay of which nothing is known, and make progress,
/// it waits for them; and where no other relay is left, up to max_wait for whoever looks at one that was down.
Admission admit(RelayHistory& history, const Leg& leg, Span waited, bool again, const Context& around);

}  // namespace relaypipe
