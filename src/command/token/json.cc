#include "command/token/json.h"

#include <fmt/chrono.h>

#include <nlohmann/json.hpp>

#include "command/wiring/json_text.h"

namespace relaypipe {
namespace {

using Json = nlohmann::ordered_json;

/// RFC 3339, or null.
Json date(const std::optional<TokenTime>& time) {
  if (!time) return nullptr;
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(*time)));
}

Json left(const std::optional<TokenTime>& end, TokenTime now) {
  if (!end) return nullptr;
  return std::max<std::int64_t>((*end - now).count(), 0);
}

Json text(const std::string& value) { return value.empty() ? Json() : Json(value); }

Json state_json(const TokenState& state, TokenTime now) {
  return Json{{"relay", state.relay},
              {"source", state.source},
              {"where", state.where},
              {"grant", text(state.grant)},
              {"state", name(state.access)},
              {"obtained", date(state.obtained)},
              {"ends", date(state.ends)},
              {"seconds_left", left(state.ends, now)},
              {"refresh_token", text(std::string(name(state.refresh)))},
              {"refresh_obtained", date(state.refresh_obtained)},
              {"refresh_ends", date(state.refresh_ends)},
              {"refresh_seconds_left", left(state.refresh_ends, now)},
              {"failed", date(state.failed)},
              {"failure", text(state.failure)},
              {"problem", text(state.problem)}};
}

}  // namespace

std::string token_json(const std::vector<TokenState>& states, TokenTime now) {
  Json json{{"tokens", Json::array()}};
  for (const TokenState& state : states)
    json["tokens"].push_back(state_json(state, now));
  return json_text(json);
}

}  // namespace relaypipe
