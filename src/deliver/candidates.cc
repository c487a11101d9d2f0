#include "deliver/candidates.h"

#include <algorithm>
#include <cstdint>

namespace relaypipe {

std::deque<Candidate> rank_candidates(std::size_t leg, const std::vector<Endpoint>& endpoints,
                                      const std::vector<std::string>& cooling_down) {
  const auto cools_down = [&](const Candidate& candidate) {
    const std::string address = endpoint_text(candidate.endpoint.address.text(), candidate.endpoint.port);
    return std::find(cooling_down.begin(), cooling_down.end(), address) != cooling_down.end();
  };
  std::vector<Candidate> failed;
  std::deque<Candidate> ranked;
  for (auto one = endpoints.begin(); one != endpoints.end();) {
    std::vector<Candidate> equals;
    const std::uint16_t preference = one->preference;
    for (; one != endpoints.end() && one->preference == preference; ++one)
      equals.push_back({leg, *one});
    std::stable_partition(equals.begin(), equals.end(), [&](const Candidate& c) { return !cools_down(c); });
    if (cools_down(equals.front()))
      failed.insert(failed.end(), equals.begin(), equals.end());
    else
      ranked.insert(ranked.end(), equals.begin(), equals.end());
  }
  ranked.insert(ranked.end(), failed.begin(), failed.end());
  for (std::size_t i = 1; i < ranked.size(); ++i) {
    const bool lower = ranked[i].endpoint.preference != ranked[i - 1].endpoint.preference;
    ranked[i].rank = ranked[i - 1].rank + (lower ? 1 : 0);
  }
  return ranked;
}

}  // namespace relaypipe
