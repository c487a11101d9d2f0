#pragma once

#include "base/packed.h"
#include "state/health.h"

namespace relaypipe {

/// Writes a relay's health into its record.
void pack(Packer& out, const Health& health);

/// Reads it back. False where it makes no sense: a number beyond its range, a time that cannot be reckoned with.
bool unpack(Unpacker& in, Health& health);

}  // namespace relaypipe
