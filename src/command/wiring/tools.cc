#include "command/wiring/tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/printable.h"
#include "command/check/check.h"
#include "command/classify.h"
#include "command/doctor/doctor.h"
#include "command/names.h"
#include "command/plan.h"
#include "command/probe/probe.h"
#include "command/providers.h"
#include "command/status/state.h"
#include "command/token/token.h"
#include "command/wiring/arguments.h"
#include "config/nearest.h"
#include "io/system/standard_streams.h"

namespace relaypipe {
namespace {

int run_help(const std::vector<std::string>& words);

constexpr Tool kTools[] = {
    {"plan", run_plan, "which relays, in which order, and why; sends nothing"},
    {"probe", run_probe, "opens a session to every relay, without sending mail"},
    {"check", run_check, "what is wrong with the configuration and the files it names"},
    {"doctor", run_doctor, "what is wrong with Postfix's side, and the command that fixes it"},
    {"status", run_status, "how the relays are, what is used of their quotas, what is unconfirmed"},
    {"log", run_log, "the last relays that went down or came back"},
    {"suspend", run_suspend, "keeps deliveries from a relay"},
    {"resume", run_resume, "ends that"},
    {"reset", run_reset, "lets a relay that cools down be tried at once"},
    {"classify", run_classify, "what a relay's reply means, and which rule says so"},
    {"providers", run_providers, "the providers that are known, and what each brings"},
    {"names", run_names, "the relays, chains or providers there are, one per line"},
    {"token", run_token, "how OAuth2 access tokens stand; a person's consent for one"},
    {"help", run_help, "this text, or that of a command"},
};

constexpr int kBadInput = 2;

std::string no_command(std::string_view word) {
  std::vector<std::string_view> names;
  for (const Tool& tool : kTools)
    names.push_back(tool.name);
  const auto near = nearest(word, names);
  return fmt::format("there is no command {}{}; `relaypipe help` lists them", clip(printable(word), 100),
                     near ? fmt::format("; did you mean {}?", *near) : "");
}

/// `relaypipe help`, `relaypipe help COMMAND`.
int run_help(const std::vector<std::string>& words) {
  if (words.empty() || words.front().starts_with('-')) {
    write_text(information({"--help"}).value());
    return 0;
  }
  if (const Tool* const tool = find_tool(words.front()); tool != nullptr && tool->run != run_help)
    return tool->run({"--help"});
  write_text(no_command(words.front()) + "\n");
  return kBadInput;
}

}  // namespace

std::span<const Tool> tools() { return kTools; }

const Tool* find_tool(std::string_view name) {
  const auto* const tool =
      std::find_if(std::begin(kTools), std::end(kTools), [&](const Tool& t) { return t.name == name; });
  return tool == std::end(kTools) ? nullptr : tool;
}

std::optional<std::string> unknown_command(const std::vector<std::string>& words) {
  if (words.empty()) return std::nullopt;
  const std::string& first = words.front();
  const bool word = !first.empty() && first.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == first.npos;
  if (!word || first.front() == '-' || find_tool(first) != nullptr) return std::nullopt;
  // Recipients may stand first, but then there is a nexthop.
  const bool delivery =
      std::any_of(words.begin(), words.end(), [](const std::string& each) { return each.starts_with("--nexthop"); });
  return delivery ? std::nullopt : std::optional(no_command(first));
}

}  // namespace relaypipe
