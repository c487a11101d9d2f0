#include "command/wiring/outcome.h"

#include <algorithm>
#include <vector>

#include "config/ehlo_name.h"
#include "deliver/log_lines.h"

namespace relaypipe {

bool needs_own_addresses(const RoutePlan& plan) {
  return std::any_of(plan.legs.begin(), plan.legs.end(),
                     [](const Leg& leg) { return leg.relay.destination.port == 25; });
}

void record_outcome(const Envelope& envelope, const Delivered& delivered, StateParts& state, Journal& journal) {
  if (!delivered.logged) {
    const std::vector<std::string> lines = verdict_lines(envelope, delivered.verdicts, delivered.delays, false);
    for (std::size_t place = 0; place < lines.size(); ++place) {
      const Verdict& verdict = delivered.verdicts[std::min(place, delivered.verdicts.size() - 1)];
      const bool sent = verdict.disposition == Disposition::Delivered;
      journal.line(sent ? Journal::Level::Info : Journal::Level::Warning, lines[place]);
    }
  }
  add_to_counters(state.store(), delivered.results, state.wall().now());
}

void warn_of_names(const RoutePlan& plan, Journal& journal, const std::string& id) {
  for (const Leg& leg : plan.legs) {
    const auto problem = ehlo_name_problem(leg.relay.settings->hostname);
    if (problem) return journal.line(Journal::Level::Warning, id + ": " + *problem);
  }
}

}  // namespace relaypipe
