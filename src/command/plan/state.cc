#include "command/plan/state.h"

#include <filesystem>

#include "base/printable.h"
#include "command/wiring/deliverer.h"
#include "command/wiring/state_parts.h"

namespace relaypipe {

void order_as_remembered(RoutePlan& plan, const LoadedConfiguration& loaded, const Envelope& envelope) {
  const RunSettings& settings = loaded.configuration.run;
  // Where no delivery has left anything there is nothing to say either; and nothing is made by looking.
  std::error_code ignored;
  if (!settings.use_state || !std::filesystem::exists(settings.state_directory + "/state.db", ignored)) return;
  if (const auto problem = state_directory_problem(loaded)) {
    plan.steps.push_back("what deliveries remember is left out: " + *problem);
    return;
  }
  const SystemClock clock;
  NoJournal journal;
  StateParts parts(settings, {}, clock, journal, "");
  DeliveryHistory(parts.services(), envelope, clock.now() + settings.deadline).open(plan);
  if (const auto trouble = parts.store().trouble()) {
    plan.steps.push_back("what deliveries remember is left out: " + printable(*trouble));
  }
}

}  // namespace relaypipe
