#include "route/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"

namespace relaypipe {
namespace {

/// Whether the destination is what Postfix fills in where no nexthop is configured: the domain of the recipients.
bool is_recipient_domain(const Destination& destination, const Envelope& envelope) {
  if (destination.lookup != Lookup::Mx || envelope.recipients.empty()) return false;
  return std::all_of(envelope.recipients.begin(), envelope.recipients.end(),
                     [&](const Address& recipient) { return lower(recipient.domain()) == destination.host; });
}

}  // namespace

RoutePlan plan_list(const std::vector<Destination>& destinations, const Settings& settings, const Envelope& envelope) {
  RoutePlan plan;
  for (const Destination& destination : destinations) {
    const std::size_t position = plan.legs.size() + 1;
    // A list is somebody's choice of relays; only a nexthop of one bare domain can be the recipient's own.
    const bool own_domain = destinations.size() == 1 && is_recipient_domain(destination, envelope);
    plan.legs.push_back({Relay{destination.text, destination, settings, own_domain},
                         fmt::format("destination {} of {}", position, destinations.size())});
  }
  return plan;
}

}  // namespace relaypipe
