#pragma once

#include "base/clock.h"
#include "deliver/https_services.h"

namespace relaypipe {

/// What requests to the HTTPS interfaces of providers are made with on this machine. The clock outlives it.
HttpsServices https_services(const WallClock& wall);

}  // namespace relaypipe
