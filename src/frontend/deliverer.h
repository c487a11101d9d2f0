#pragma once

#include <string>

#include "base/result.h"
#include "io/process_user.h"

namespace relaypipe {

/// Makes root the user that deliveries run as, to whom the state directory belongs: what a tool writes there, be it
/// only a lock, deliveries have to be able to use. Returns that user; the error is a sentence with the way out.
Result<SystemUser, std::string> become_deliverer(const std::string& state_directory);

}  // namespace relaypipe
