#pragma once

#include <cstdint>

#include "config/account.h"

namespace relaypipe {

/// Changes whenever somebody changes the credentials of an account: made of the inode, the size and the times of the
/// files they come from, never of what is in them. What a command prints is not known without running it, so only the
/// command itself counts.
std::uint64_t account_stamp(const AccountConfig& account);

}  // namespace relaypipe
