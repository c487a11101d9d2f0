#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace relaypipe {

/// Starts `argv` in a session of its own with `input` on its standard input, and waits for nothing: neither for its end
/// nor for it to read. Its standard output and error are /dev/null, and no descriptor of ours reaches it: pipe(8) waits
/// for the end of whatever keeps its pipe open. Returns what went wrong, as a phrase.
std::string run_detached(const std::vector<std::string>& argv, std::string_view input);

/// Takes leave of the programs that have ended, for a process that goes on. Nobody else may be waiting for one.
void reap_detached();

}  // namespace relaypipe
