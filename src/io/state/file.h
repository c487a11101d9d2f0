#pragma once

#include <string>

#include "base/result.h"
#include "io/base/unique_fd.h"

namespace relaypipe {

/// Opens a file of the state directory for reading and writing. Where it is missing it is made: readable for its owner
/// alone, who is the owner of the directory, so that what root makes there deliveries can use. A user to whom a
/// directory does not belong makes nothing in it, for the same reason. A link is not followed, and only a regular file
/// is opened. The descriptor is the caller's and is closed on exec; the error is a sentence that begins with the path.
Result<UniqueFd, std::string> open_state_file(const std::string& directory, const std::string& name);

}  // namespace relaypipe
