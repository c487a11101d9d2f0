#pragma once

#include <string>
#include <vector>

namespace relaypipe {

/// `relaypipe classify`: what a relay's reply means, what relaypipe would do about it, and which rule says so. Sends
/// nothing. Returns 0, or 2 for a bad command line, configuration or reply.
int run_classify(const std::vector<std::string>& words);

}  // namespace relaypipe
