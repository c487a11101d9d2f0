#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "route/endpoint_lookup.h"

namespace relaypipe {

/// An endpoint of a leg that may be dialled.
struct Candidate {
  std::size_t leg;
  Endpoint endpoint;
  std::size_t rank = 0;           ///< among the leg's preferences, the best is 0: equal ones are tried side by side
  bool handshake_failed = false;  ///< TLS failed there and is not required
  bool last_try = false;          ///< was displaced or superseded before: keeps its place from now on
};

/// The endpoints of a leg in the order in which they are tried: their own, but of one preference those that failed
/// lately (`cooling_down`, in the form of endpoint_text()) come last, and a preference of which all failed comes after
/// the others.
std::deque<Candidate> rank_candidates(std::size_t leg, const std::vector<Endpoint>& endpoints,
                                      const std::vector<std::string>& cooling_down);

}  // namespace relaypipe
