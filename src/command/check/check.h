#pragma once

#include <string>
#include <vector>

namespace relaypipe {

/// `relaypipe check`: what is wrong with the configuration and its files, without touching the network. Returns 0 for
/// nothing, 1 for warnings, 2 for errors.
int run_check(const std::vector<std::string>& words);

}  // namespace relaypipe
