#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/configuration.h"
#include "postfix/finding.h"
#include "postfix/text.h"

namespace relaypipe {

/// The parameters of smtp(8) that people set and that a pipe(8) transport does not follow.
std::vector<std::string> client_parameters();

/// What relaypipe does not take over from smtp(8). `set`: those of client_parameters() that main.cf sets, with their
/// values. Each is a warning that names the counterpart, and none where `configuration` has it already.
std::vector<PostfixFinding> judge_client_parameters(const std::vector<PostfixPair>& set,
                                                    const Configuration& configuration);

}  // namespace relaypipe
