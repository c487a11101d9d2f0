#pragma once

#include <string>
#include <vector>

namespace relaypipe {

/// `relaypipe doctor`: what is wrong with the way Postfix is set up for relaypipe, and the command that puts it right.
/// Changes nothing without `--fix`. Returns 0 for nothing, 1 for warnings, 2 for errors and where Postfix cannot be
/// looked at.
int run_doctor(const std::vector<std::string>& words);

}  // namespace relaypipe
