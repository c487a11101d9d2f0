#pragma once

#include <string>
#include <vector>

namespace relaypipe {

/// `relaypipe providers [NAME]`: the providers that are known, or what one of them brings. Returns 0, or 2 for a bad
/// command line.
int run_providers(const std::vector<std::string>& words);

}  // namespace relaypipe
