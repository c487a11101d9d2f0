#include "command/doctor/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "command/wiring/json_text.h"

namespace relaypipe {
namespace {

using Json = nlohmann::ordered_json;

bool is_error(const PostfixFinding& finding) { return finding.severity == PostfixFinding::Severity::Error; }

}  // namespace

std::string doctor_json(const std::string& directory, const std::vector<std::string>& services,
                        const std::vector<PostfixFinding>& findings) {
  const auto errors = std::count_if(findings.begin(), findings.end(), is_error);
  Json json{{"config_directory", directory},
            {"errors", errors},
            {"warnings", std::ssize(findings) - errors},
            {"services", services},
            {"findings", Json::array()}};
  for (const PostfixFinding& finding : findings) {
    json["findings"].push_back({{"severity", is_error(finding) ? "error" : "warning"},
                                {"where", finding.where},
                                {"text", finding.text},
                                {"fix", finding.fix}});
  }
  return json_text(json);
}

}  // namespace relaypipe
