#pragma once

#include "command/wiring/request.h"
#include "message/envelope.h"
#include "route/plan.h"

namespace relaypipe {

/// Orders a plan by what deliveries remember at this moment, and takes nothing. Where that state
/// cannot be read the plan stays as it is, and its steps say why.
void order_as_remembered(RoutePlan& plan, const LoadedConfiguration& loaded, const Envelope& envelope);

}  // namespace relaypipe
