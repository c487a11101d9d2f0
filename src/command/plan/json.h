#pragma once

#include <string>
#include <vector>

#include "route/plan.h"

namespace relaypipe {

/// What was found for a relay of a plan by `--resolve`: its addresses in the order in which they are tried, or why
/// there are none.
struct Resolved {
  std::vector<std::string> addresses;  ///< `host[ip]:port`
  std::string failure;
};

/// `relaypipe plan --json`; the fields are described in relaypipe-json(5). `resolved` is empty, or has one entry per
/// leg; `policy` says what a policy server did, if one was asked.
std::string plan_json(const RoutePlan& plan, const std::vector<Resolved>& resolved, const Envelope& envelope,
                      const std::string& policy);

}  // namespace relaypipe
