#pragma once

#include <string>
#include <vector>

namespace relaypipe {

// What deliveries remember, for people. Exit status: 0 done, 1 nothing can be remembered, 2 bad input.

/// `relaypipe status`: one screen, or for programs.
int run_status(const std::vector<std::string>& words);
/// `relaypipe log`: the last changes.
int run_log(const std::vector<std::string>& words);

/// `relaypipe suspend RELAY`: no delivery uses it until then.
int run_suspend(const std::vector<std::string>& words);
/// `relaypipe resume RELAY`.
int run_resume(const std::vector<std::string>& words);
/// `relaypipe reset RELAY`: its health is forgotten.
int run_reset(const std::vector<std::string>& words);

}  // namespace relaypipe
