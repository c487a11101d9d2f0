#include "command/check/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "command/wiring/json_text.h"

namespace relaypipe {

std::string check_json(const LoadedConfiguration& loaded) {
  const auto is_error = [](const ConfigProblem& p) { return p.severity == ConfigProblem::Severity::Error; };
  const auto errors = std::count_if(loaded.problems.begin(), loaded.problems.end(), is_error);
  nlohmann::ordered_json json{{"file", loaded.file},
                              {"errors", errors},
                              {"warnings", std::ssize(loaded.problems) - errors},
                              {"relays", loaded.configuration.relays.size()},
                              {"chains", loaded.configuration.chains.size()},
                              {"problems", nlohmann::ordered_json::array()}};
  for (const ConfigProblem& problem : loaded.problems) {
    json["problems"].push_back({{"severity", is_error(problem) ? "error" : "warning"},
                                {"file", problem.at.file},
                                {"line", problem.at.line},
                                {"column", problem.at.column},
                                {"text", problem.text}});
  }
  return json_text(json);
}

}  // namespace relaypipe
