#include "command/classify/json.h"

#include <nlohmann/json.hpp>

#include "command/classify/classify.h"
#include "command/wiring/json_text.h"
#include "relay/reply_words.h"

namespace relaypipe {
std::string classify_json(const Relay& relay, std::string_view stage, const std::string& reply,
                          const Classification& classification) {
  return json_text(nlohmann::ordered_json{{"reply", reply},
                                          {"stage", stage},
                                          {"relay", relay.name},
                                          {"provider", relay.provider},
                                          {"scope", scope_name(classification.scope)},
                                          {"cause", cause_name(classification.cause)},
                                          {"until", until_text(classification.until)},
                                          {"class", classification.severity == Severity::Hard ? "hard" : "soft"},
                                          {"next_relay", classification.next == Next::NextLeg},
                                          {"action", action_text(classification)},
                                          {"status", classification.status.text()},
                                          {"rule", classification.rule}});
}

}  // namespace relaypipe
