#include "command/status/state_tool.h"

#include "command/wiring/deliverer.h"
#include "io/state/store.h"
#include "io/system/local_time.h"
#include "io/system/standard_streams.h"

namespace relaypipe {

int end_state_tool(const std::string& text, int status) {
  write_text(with_local_times(text + "\n"));
  return status;
}

std::unique_ptr<StateTool> begin_state_tool(const CommonArguments& arguments, int& status) {
  const auto refuse = [&](const std::string& text, int why) {
    status = end_state_tool(text, why);
    return nullptr;
  };
  auto tool = std::make_unique<StateTool>();
  tool->loaded = load_as_deliverer(arguments);
  if (const auto error = configuration_error(tool->loaded)) return refuse(*error, kBadInput);
  const RunSettings& settings = tool->loaded.configuration.run;
  if (!settings.use_state) return refuse("nothing is remembered: state = no", kStateTrouble);
  if (const auto problem = state_directory_problem(tool->loaded)) return refuse(*problem, kStateTrouble);
  tool->store = std::make_unique<SqliteStateStore>(settings.state_directory);
  tool->owners = std::make_unique<StateOwners>(settings.state_directory);
  return tool;
}

}  // namespace relaypipe
