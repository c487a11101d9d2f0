#include "command/check/check_store.h"

#include "base/printable.h"
#include "command/fleet/link.h"
#include "io/fleet/wire.h"
#include "io/system/system_clock.h"

namespace relaypipe {

std::optional<std::string> store_problem(const FleetConfig& fleet, const RunSettings& settings) {
  const SystemClock clock;
  FleetLink link(fleet, settings, clock);
  const std::vector<ScriptCall> calls{facts_call(fleet, "check", {"check", "check"}, std::nullopt)};
  const auto replies = link.call(calls);
  if (!replies) return printable(replies.error());
  const auto facts = parse_facts(replies->front());
  if (!facts) return facts.error();
  return std::nullopt;
}

}  // namespace relaypipe
