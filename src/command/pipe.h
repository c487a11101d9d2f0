#pragma once

#include <string>
#include <vector>

#include "base/deadline.h"

namespace relaypipe {

/// The front-end for pipe(8), and for a person who tests a delivery: reads the words of the command line, delivers the
/// message on standard input, prints the one line, logs, and returns the exit status: success whatever happens after a
/// relay has taken the message, and a deferral for every broken assumption before that.
int run_pipe(const std::vector<std::string>& words, Instant started);

}  // namespace relaypipe
