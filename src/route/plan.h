#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/random.h"
#include "base/result.h"
#include "base/wall_time.h"
#include "config/configuration.h"
#include "message/envelope.h"
#include "relay/relay.h"
#include "smtp/enhanced_status.h"

namespace relaypipe {

/// One entry of a route plan.
struct Leg {
  Relay relay;
  std::size_t tier = 0;   ///< 1 is the best; 0 in a list, where every destination is its own
  std::string reason;     ///< why it stands where it stands: "destination 2 of 3", "tier 1, weight 3 of 4"
  bool fallback = false;  ///< a relay of last resort: not for domains this host is an MX of

  // What the history adds (state/relay_history.h); without it every leg has its own place and waits for nobody.
  enum class Turn {
    Own,   ///< in its place
    Last,  ///< it cools down, or may not be used now: only when nothing else is left, and only if it may be then
  } turn = Turn::Own;
  std::optional<WallTime> due = {};            ///< of the last ones: when it may be tried again
  bool ask = false;                            ///< the history has to admit it before it is tried
  bool alone = false;                          ///< it is the only one that has its own place
  bool one_by_one = false;                     ///< no PIPELINING: it lost commands that were sent together
  std::vector<std::string> cooling_down = {};  ///< endpoints that failed lately, `192.0.2.1:587`: after its others
};

/// A relay that is left out, and why.
struct SkippedRelay {
  std::string relay;
  std::string reason;
};

/// The ordered relays for one message.
struct RoutePlan {
  std::string chain;               ///< empty for a list
  std::vector<std::string> steps;  ///< how the nexthop became this chain or list: the rules that were followed
  std::vector<Leg> legs;
  std::vector<SkippedRelay> skipped;
  /// Relays that may carry the message were left out all the same, for now (state/unconfirmed.h): what the others say
  /// is not the last word.
  bool narrowed = false;
};

/// Why there is no plan: what Postfix is to be told, and a sentence. Of class 5 only for a message that every relay's
/// `max_size` rules out.
struct NoPlan {
  EnhancedStatus status{4, 3, 5};
  std::string text;
};

/// The chain or list that a nexthop leads to for this message when the rules of the chains are followed, and the rules
/// in words.
struct FinalNexthop {
  std::string nexthop;
  std::vector<std::string> passed;  ///< the chains on the way, from the first one
  std::vector<std::string> steps;
};
Result<FinalNexthop, std::string> follow_rules(const Configuration& configuration, std::string_view nexthop,
                                               const Envelope& envelope);

/// The relays that a word names, whatever the message: a relay of the configuration, the relays of a chain in the order
/// of its tiers (its rules are not followed), or the destinations of a list. The error is a sentence. The configuration
/// outlives the relays.
Result<std::vector<Relay>, std::string> relays_named(const Configuration& configuration, std::string_view word,
                                                     const ServicePort& service);
Result<std::vector<Relay>, std::string> relays_named(Configuration&&, std::string_view, const ServicePort&) = delete;

/// Plans the delivery of one message over a nexthop: a chain of the configuration, or a list of destinations.
///
/// A chain's `by_recipient` and `by_sender` may lead to another chain or list, the recipients' rule first (as
/// transport_maps come before sender_dependent_default_transport_maps in Postfix), the narrowest pattern first. Tiers
/// keep their order; inside a tier the order is drawn by weight, or fixed by sender. Relays that may not carry the
/// message are left out. There is no plan for a nexthop that cannot be read, for recipients that need different chains,
/// and where nothing is left. The configuration outlives the plan.
Result<RoutePlan, NoPlan> plan_route(const Configuration& configuration, std::string_view nexthop,
                                     const Envelope& envelope, const ServicePort& service, Random random);
Result<RoutePlan, NoPlan> plan_route(Configuration&&, std::string_view, const Envelope&, const ServicePort&,
                                     Random) = delete;

}  // namespace relaypipe
