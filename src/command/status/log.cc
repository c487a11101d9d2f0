#include <fmt/format.h>

#include "base/printable.h"
#include "command/status/commands.h"
#include "command/status/json.h"
#include "command/status/state_tool.h"
#include "io/system/local_time.h"
#include "io/system/standard_streams.h"
#include "relay/reply_words.h"
#include "relay/units.h"
#include "state/change_log.h"

namespace relaypipe {
namespace {

constexpr std::uint64_t kShownChanges = 20;

struct LogArguments : CommonArguments {
  std::optional<std::string> count;
  bool json = false;
};

void declare(Options& options, LogArguments& arguments) {
  options.value("-n", arguments.count, "how many (default: 20)", "N");
  options.flag("--json", arguments.json, "for programs");
  options.common(arguments);
}

std::string change_text(const Change& change) {
  const bool down = change.kind == Change::Kind::Down;
  std::string text = fmt::format("{}  {:<9} {}", time_text(change.at), kind_name(change.kind), printable(change.relay));
  const bool lasts = down || change.kind == Change::Kind::Suspended;
  if (lasts && change.until != kNever) text += fmt::format(", until {}", time_text(change.until));
  if (change.cause != Cause::Unknown) text += fmt::format(", {}", cause_name(change.cause));
  return with_local_times(text + (change.words.empty() || !down ? "" : ": " + change.words) + "\n");
}

int run(const LogArguments& arguments) {
  int status = kDone;
  const auto tool = begin_state_tool(arguments, status);
  if (!tool) return status;
  const auto count =
      arguments.count ? parse_count(*arguments.count, 1, kChanges) : Result<std::uint64_t, std::string>(kShownChanges);
  if (!count) return end_state_tool("-n: " + count.error(), kBadInput);
  std::vector<Change> changes = noted_changes(*tool->store, tool->wall.now());
  if (changes.size() > *count) {
    changes.erase(changes.begin(), changes.end() - static_cast<std::ptrdiff_t>(*count));
  }
  std::string text;
  for (const Change& change : changes)
    text += change_text(change);
  if (const auto trouble = tool->store->trouble()) text += printable(*trouble) + "\n";
  if (text.empty()) text = "no relay has changed its state yet\n";
  write_text(arguments.json ? changes_json(changes) : text);
  return tool->store->trouble() ? kStateTrouble : kDone;
}

}  // namespace

const Command kLogCommand{"log", "the last relays that went down or came back",
                          "Shows the last changes of the relays' states. Exit status: 0 done, 1 nothing can be "
                          "remembered, 2 wrong command line or configuration.",
                          start<LogArguments, declare, run>};

}  // namespace relaypipe
