#pragma once

#include <string>
#include <vector>

namespace relaypipe {

/// `relaypipe token`: how the access tokens stand, a new one, or a person's consent. `words` are those after the
/// command's name. Exit status: 0 all is well, 1 something has to be put right, 2 wrong command line or configuration.
int run_token(const std::vector<std::string>& words);

}  // namespace relaypipe
