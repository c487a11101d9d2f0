#pragma once

#include <string>
#include <vector>

namespace relaypipe {

/// Shows the commands, asks once on standard output whether to run them, and runs them one after the other by the shell
/// up to the first that fails; then `reload`, whose failure (Postfix does not run) changes nothing. Whether anything
/// was run: not where there is nothing to run, or the answer was not yes.
bool run_fixes(const std::vector<std::string>& commands, const std::string& reload);

}  // namespace relaypipe
