#pragma once

#include "base/packed.h"
#include "state/fleet_share.h"

namespace relaypipe {

/// Writes what a host shares of one relay.
void pack(Packer& out, const FleetShare& share);
/// Reads it back; false where that makes no sense.
bool unpack(Unpacker& in, FleetShare& share);

}  // namespace relaypipe
