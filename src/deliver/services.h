#pragma once

#include "base/clock.h"
#include "base/event_loop.h"
#include "base/journal.h"
#include "base/random.h"
#include "deliver/https_services.h"
#include "deliver/observer.h"
#include "deliver/parent.h"
#include "deliver/session.h"
#include "message/envelope.h"
#include "message/message_source.h"
#include "route/plan.h"
#include "route/resolver.h"
#include "state/delivery_history.h"
#include "state/delivery_lock.h"
#include "verdict/pattern_matcher.h"

namespace relaypipe {

/// The outside world as a delivery sees it. References: the front end owns them all and outlives the delivery.
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
  const HttpsServices* https = nullptr;  ///< not null where a relay of the plan speaks HTTPS
};

/// What is to be delivered, and within what bounds.
struct DeliveryRequest {
  const Envelope& envelope;
  RoutePlan& plan;  ///< the history puts it into another order
  const RunSettings& settings;
  const OwnHost& self;
  Random random;
  Instant started;
  /// Each recipient has a verdict of its own: a relay gets the content for those that it accepts, and the others go on
  /// without them. Else one result serves all (pipe(8)), so a relay gets the content only where it accepts all.
  bool each_recipient = false;
  bool verify = false;  ///< only asks whether the recipients would be accepted (address verification)
};

}  // namespace relaypipe
