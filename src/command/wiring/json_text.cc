#include "command/wiring/json_text.h"

#include <nlohmann/json.hpp>

namespace relaypipe {

std::string json_text(const nlohmann::ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string error_json(const std::string& text) { return json_text(nlohmann::ordered_json{{"error", text}}); }

}  // namespace relaypipe
