#pragma once

#include <string>
#include <vector>

#include "postfix/finding.h"

namespace relaypipe {

/// `relaypipe doctor --json`; the fields are described in relaypipe-json(5). `services`: those that run relaypipe.
std::string doctor_json(const std::string& directory, const std::vector<std::string>& services,
                        const std::vector<PostfixFinding>& findings);

}  // namespace relaypipe
