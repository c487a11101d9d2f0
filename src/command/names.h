#pragma once

#include <string>
#include <vector>

namespace relaypipe {

/// `relaypipe names relays|chains|providers`: one name a line, for scripts and the completion of a shell. Of a
/// configuration with errors those that could be read. Returns 0, or 2 for bad input.
int run_names(const std::vector<std::string>& words);

}  // namespace relaypipe
