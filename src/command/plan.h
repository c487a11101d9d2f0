#pragma once

#include <string>
#include <vector>

namespace relaypipe {

/// `relaypipe plan`: the relays for one message in their order, and the reasons. Sends nothing; with `--resolve` it
/// asks DNS. Returns 0 when there is a plan, 1 when there is none for this message, 2 for a bad command line or
/// configuration.
int run_plan(const std::vector<std::string>& words);

}  // namespace relaypipe
