#include "frontend/tools.h"

#include <algorithm>
#include <iterator>

#include "frontend/check.h"
#include "frontend/classify.h"
#include "frontend/doctor.h"
#include "frontend/names.h"
#include "frontend/plan.h"
#include "frontend/probe.h"
#include "frontend/providers.h"
#include "frontend/state.h"
#include "frontend/token.h"

namespace relaypipe {
namespace {

constexpr Tool kTools[] = {
    {"plan", run_plan, "which relays, in which order, and why; sends nothing"},
    {"probe", run_probe, "opens a session to every relay, without sending mail"},
    {"check", run_check, "what is wrong with the configuration and the files it names"},
    {"doctor", run_doctor, "what is wrong with Postfix's side, and the command that mends it"},
    {"status", run_status, "how the relays are, what is used of their quotas, what is unconfirmed"},
    {"log", run_log, "the last relays that went down or came back"},
    {"suspend", run_suspend, "keeps deliveries from a relay"},
    {"resume", run_resume, "ends that"},
    {"reset", run_reset, "lets a relay that rests be tried at once"},
    {"classify", run_classify, "what a relay's reply means, and which rule says so"},
    {"providers", run_providers, "the providers that are known, and what each brings"},
    {"names", run_names, "the relays, chains or providers there are, one a line"},
    {"token", run_token, "how OAuth2 access tokens stand; a person's consent for one"},
};

}  // namespace

std::span<const Tool> tools() { return kTools; }

const Tool* find_tool(std::string_view name) {
  const auto* const tool =
      std::find_if(std::begin(kTools), std::end(kTools), [&](const Tool& t) { return t.name == name; });
  return tool == std::end(kTools) ? nullptr : tool;
}

}  // namespace relaypipe
