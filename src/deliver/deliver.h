#pragma once

#include "base/clock.h"
#include "base/deadline.h"
#include "base/event_loop.h"
#include "base/journal.h"
#include "base/random.h"
#include "deliver/log_lines.h"
#include "deliver/observer.h"
#include "deliver/parent.h"
#include "deliver/session.h"
#include "message/envelope.h"
#include "message/message_source.h"
#include "route/plan.h"
#include "route/resolver.h"
#include "state/count_results.h"
#include "state/delivery_history.h"
#include "state/delivery_lock.h"
#include "verdict/pattern_matcher.h"
#include "verdict/verdict.h"

namespace relaypipe {

/// The world as a delivery sees it. References: the front-end owns them all and outlives the delivery.
struct Services {
  const Clock& clock;
  EventLoop& event_loop;
  Dialer& dialer;
  Resolver& resolver;
  MessageSource& message;
  Parent& parent;
  Journal& journal;
  PatternMatcher& patterns;
  DeliveryHistory& history;
  DeliveryLock& lock;
  Trace* trace = nullptr;
};

/// What is to be delivered, and within what bounds.
struct DeliveryRequest {
  const Envelope& envelope;
  RoutePlan& plan;  ///< the history puts it into another order
  const Settings& settings;
  const OwnHost& self;
  Random random;
  Instant started;
};

struct Delivered {
  Verdict verdict;
  Delays delays;
  /// The verdict's lines are in the log: the first attempt was accepted, and one line says both, at once. A delivery
  /// that is killed before Postfix hears of the acceptance leaves that trace.
  bool logged = false;
  Counters results = {};  ///< what the delivery adds to the counters of all
};

/// Delivers one message, or finds out why not. The page that tells the story: be the only one that delivers it, and
/// look what is remembered; open sessions while the message is still coming in; run the transaction over the first that
/// is ready; let the outcome decide whether the next relay is asked; fold the outcomes into one verdict. What others
/// can use is remembered as soon as it is known.
///
/// `accepted` becomes true when a relay has taken the message: from then on, whatever happens, the delivery is a
/// success.
Delivered deliver(const DeliveryRequest& request, Services& services, bool& accepted);

}  // namespace relaypipe
