#pragma once

#include <string>
#include <vector>

#include "command/doctor/service.h"
#include "postfix/judge_service.h"

namespace relaypipe {

/// What is wrong for the user of a service, found out by becoming that user as pipe(8) does: the program, the
/// configuration, the files it names, the state directory. `postconf` is how the lines that fix call it.
std::vector<PostfixFinding> examine_as(const PipeUser& user, const AgentService& agent, const std::string& postconf);

}  // namespace relaypipe
