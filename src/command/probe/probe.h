#pragma once

#include <string>
#include <vector>

namespace relaypipe {

/// `relaypipe probe`: opens a session to every address of the relays and says what it found; sends no mail. Returns the
/// exit status: 0 every relay would take mail, 1 one would not, 2 the command line or the configuration is wrong.
int run_probe(const std::vector<std::string>& words);

}  // namespace relaypipe
