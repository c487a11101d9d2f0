#include "command/lmtp/groups.h"

#include <array>
#include <map>
#include <utility>

#include "route/plan.h"

namespace relaypipe {

std::vector<RecipientGroup> group_recipients(const Configuration& configuration, const std::string& nexthop,
                                             const Envelope& envelope) {
  std::map<std::pair<std::vector<std::string>, bool>, RecipientGroup> groups;
  for (std::size_t place = 0; place < envelope.recipients.size(); ++place) {
    const Envelope alone = envelope.with_recipients(std::array{place});
    const auto last = follow_rules(configuration, nexthop, alone);
    std::vector<std::string> way;
    if (last) {
      way = last->passed;
      way.push_back(last->nexthop);
    }
    // Where the rules lead nowhere the delivery says why.
    groups[{std::move(way), alone.is_internationalized()}].push_back(place);
  }
  std::vector<RecipientGroup> all;
  all.reserve(groups.size());
  for (auto& [key, group] : groups)
    all.push_back(std::move(group));
  return all;
}

}  // namespace relaypipe
