#include <fmt/format.h>
#include <poll.h>

#include "base/printable.h"
#include "command/status/json_state.h"
#include "command/status/report.h"
#include "command/status/state.h"
#include "command/status/state_tool.h"
#include "command/token/state.h"
#include "io/credentials/file.h"
#include "io/credentials/file_token_store.h"
#include "io/system/local_time.h"
#include "io/system/standard_streams.h"
#include "io/system/time_zones.h"
#include "relay/reply_words.h"
#include "relay/units.h"
#include "state/change_log.h"

namespace relaypipe {
namespace {

constexpr std::uint64_t kShownChanges = 20;

enum class Format { Table, Json, Prometheus };

Result<Format, std::string> parse_format(const StateArguments& arguments) {
  const std::string format = arguments.json ? "json" : arguments.format.value_or("table");
  if (format == "table") return Format::Table;
  if (format == "json") return Format::Json;
  if (format == "prometheus") return Format::Prometheus;
  return fail(fmt::format("--format={}: write table, json or prometheus", printable(format)));
}

/// When the kept tokens of relays with a token endpoint end, as far as that is known.
std::vector<TokenEnd> token_ends(const Configuration& configuration) {
  FileTokenStore store(configuration.settings.state_directory);
  const FileReader self = FileReader::self();
  const SecretReader reader = [&](const std::string& file) { return read_secret_file(file, self); };
  const SystemWallClock wall;
  std::vector<TokenEnd> ends;
  for (const auto& [name, config] : configuration.relays) {
    if (!config.account.oauth2 || config.account.oauth2->token_endpoint.empty()) continue;
    Relay relay;
    relay.name = name;
    relay.account = config.account;
    const TokenState state = token_state(relay, store, reader, wall.seconds());
    if (state.ends) ends.push_back({name, false, WallTime(*state.ends)});
    if (state.refresh_ends) ends.push_back({name, true, WallTime(*state.refresh_ends)});
  }
  return ends;
}

std::string status_text(StateTool& tool, Format format) {
  const Alive alive = [&](const Owner& owner) { return tool.owners->alive(owner); };
  StatusReport report = make_report(tool.loaded.configuration, *tool.store, tool.wall.now(), alive, zone_offset);
  report.tokens = token_ends(tool.loaded.configuration);
  switch (format) {
    case Format::Json: return status_json(report);
    case Format::Prometheus: return status_prometheus(report);
    case Format::Table: break;
  }
  return with_local_times(status_table(report, stdout_is_terminal()));
}

/// Looks again and again, until somebody interrupts it.
int watch(StateTool& tool, Format format, std::uint64_t seconds) {
  while (true) {
    const std::string text = status_text(tool, format);
    // The cursor goes home, and what was there before is taken away as the new text is written.
    write_text(stdout_is_terminal() ? "\x1B[H\x1B[2J" + text : text);
    poll(nullptr, 0, static_cast<int>(seconds * 1000));
  }
}

std::string change_text(const Change& change) {
  const bool down = change.kind == Change::Kind::Down;
  std::string text = fmt::format("{}  {:<9} {}", time_text(change.at), kind_name(change.kind), printable(change.relay));
  const bool lasts = down || change.kind == Change::Kind::Suspended;
  if (lasts && change.until != kNever) text += fmt::format(", until {}", time_text(change.until));
  if (change.cause != Cause::Unknown) text += fmt::format(", {}", cause_name(change.cause));
  return with_local_times(text + (change.words.empty() || !down ? "" : ": " + change.words) + "\n");
}

}  // namespace

int run_status(const std::vector<std::string>& words) {
  int status = kStateDone;
  const auto tool = begin_state_tool(parse_status_arguments(words), status);
  if (!tool) return status;
  const auto format = parse_format(tool->arguments);
  if (!format) return end_state_tool(format.error(), kStateBadInput);
  if (tool->arguments.watch || tool->arguments.interval) {
    const auto seconds = parse_count(tool->arguments.interval.value_or("2"), 1, 3600);
    if (!seconds) return end_state_tool("--interval: " + seconds.error(), kStateBadInput);
    return watch(*tool, *format, *seconds);
  }
  write_text(status_text(*tool, *format));
  return tool->store->trouble() ? kStateTrouble : kStateDone;
}

int run_log(const std::vector<std::string>& words) {
  int status = kStateDone;
  const auto tool = begin_state_tool(parse_log_arguments(words), status);
  if (!tool) return status;
  const auto count = tool->arguments.count ? parse_count(*tool->arguments.count, 1, kChanges)
                                           : Result<std::uint64_t, std::string>(kShownChanges);
  if (!count) return end_state_tool("-n: " + count.error(), kStateBadInput);
  std::vector<Change> changes = noted_changes(*tool->store, tool->wall.now());
  if (changes.size() > *count) {
    changes.erase(changes.begin(), changes.end() - static_cast<std::ptrdiff_t>(*count));
  }
  std::string text;
  for (const Change& change : changes)
    text += change_text(change);
  if (const auto trouble = tool->store->trouble()) text += printable(*trouble) + "\n";
  if (text.empty()) text = "no relay has changed its state yet\n";
  write_text(tool->arguments.json ? changes_json(changes) : text);
  return tool->store->trouble() ? kStateTrouble : kStateDone;
}

}  // namespace relaypipe
