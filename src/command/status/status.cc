#include <fmt/format.h>
#include <poll.h>

#include "base/printable.h"
#include "command/status/commands.h"
#include "command/status/fleet.h"
#include "command/status/report.h"
#include "command/status/state_tool.h"
#include "command/token/state.h"
#include "io/credentials/file.h"
#include "io/credentials/file_token_store.h"
#include "io/system/local_time.h"
#include "io/system/standard_streams.h"
#include "io/system/time_zones.h"
#include "relay/units.h"

namespace relaypipe {
namespace {

constexpr int kNoAnswer = 1;

struct StatusArguments : CommonArguments {
  std::optional<std::string> format;
  std::optional<std::string> interval;  ///< seconds from one look to the next
  bool watch = false;                   ///< every two seconds
  bool json = false;
  bool fleet = false;  ///< of all hosts
};

void declare(Options& options, StatusArguments& arguments) {
  options.value("--format", arguments.format, "table, json or prometheus", "FORMAT");
  options.flag("--json", arguments.json, "short for --format=json");
  options.flag("--fleet", arguments.fleet, "asks the fleet's store: all hosts and their slices");
  options.flag("--watch", arguments.watch, "look again every two seconds");
  options.value("--interval", arguments.interval, "look again after so many seconds", "SECONDS");
  options.common(arguments);
}

enum class Format { Table, Json, Prometheus };

Result<Format, std::string> parse_format(const StatusArguments& arguments) {
  const std::string format = arguments.json ? "json" : arguments.format.value_or("table");
  if (format == "table") return Format::Table;
  if (format == "json") return Format::Json;
  if (format == "prometheus") return Format::Prometheus;
  return fail(fmt::format("--format={}: write table, json or prometheus", printable(format)));
}

/// When the kept tokens of relays with a token endpoint end, as far as that is known.
std::vector<TokenEnd> token_ends(const Configuration& configuration) {
  FileTokenStore store(configuration.run.state_directory);
  const FileReader self = FileReader::self();
  const SecretReader reader = [&](const std::string& file) { return read_secret_file(file, self); };
  const SystemWallClock wall;
  std::vector<TokenEnd> ends;
  for (const auto& [name, config] : configuration.relays) {
    if (!config.account.asks_endpoint()) continue;
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

std::string fleet_text(const FleetReport& report, Format format) {
  switch (format) {
    case Format::Json: return fleet_json(report);
    case Format::Prometheus: return fleet_prometheus(report);
    case Format::Table: break;
  }
  return fleet_table(report, stdout_is_terminal());
}

/// Looks again and again, until somebody interrupts it.
int watch(StateTool& tool, Format format, bool fleet, std::uint64_t seconds) {
  while (true) {
    const std::string text = fleet ? fleet_text(make_fleet_report(tool), format) : status_text(tool, format);
    // The cursor goes home, and what was there before is taken away as the new text is written.
    write_text(stdout_is_terminal() ? "\x1B[H\x1B[2J" + text : text);
    poll(nullptr, 0, static_cast<int>(seconds * 1000));
  }
}

/// A file of metrics is to be written also while the store does not answer, which one of them says.
int show_fleet(StateTool& tool, Format format) {
  const FleetReport report = make_fleet_report(tool);
  write_text(fleet_text(report, format));
  if (tool.store->trouble()) return kStateTrouble;
  return report.problem.empty() || format == Format::Prometheus ? kDone : kNoAnswer;
}

int run(const StatusArguments& arguments) {
  int status = kDone;
  const auto tool = begin_state_tool(arguments, status);
  if (!tool) return status;
  const auto format = parse_format(arguments);
  if (!format) return end_state_tool(format.error(), kBadInput);
  if (arguments.fleet && !tool->loaded.configuration.fleet)
    return end_state_tool("--fleet: there is no [fleet] in " + tool->loaded.file, kBadInput);
  if (arguments.watch || arguments.interval) {
    const auto seconds = parse_count(arguments.interval.value_or("2"), 1, 3600);
    if (!seconds) return end_state_tool("--interval: " + seconds.error(), kBadInput);
    return watch(*tool, *format, arguments.fleet, *seconds);
  }
  if (arguments.fleet) return show_fleet(*tool, *format);
  write_text(status_text(*tool, *format));
  return tool->store->trouble() ? kStateTrouble : kDone;
}

}  // namespace

const Command kStatusCommand{"status", "how the relays are, what is used of their quotas, what is unconfirmed",
                             "Shows what all deliveries remember together. Exit status: 0 done, 1 nothing can be "
                             "remembered or, with --fleet, the store does not answer, 2 wrong command line or "
                             "configuration.",
                             start<StatusArguments, declare, run>};

}  // namespace relaypipe
