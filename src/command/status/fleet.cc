#include "command/status/fleet.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "command/fleet/link.h"
#include "command/fleet/sync.h"
#include "command/wiring/text.h"
#include "io/fleet/window_reply.h"
#include "io/system/time_zones.h"
#include "state/fleet_record.h"
#include "state/history_records.h"
#include "state/slice.h"

namespace relaypipe {
namespace {

/// While it does not answer, deliveries try the store every second; what was met before this is no news.
constexpr Span kLately = std::chrono::minutes(1);

/// A relay and what this host has of its limits.
struct Shared {
  const RelayConfig& relay;
  Allowance allowance;
};

/// How the window is named in the store's keys at this moment.
std::string window_name(const LimitRule& rule, const FleetShare& share, WallTime now) {
  const Slice* const slice = find_slice(share, rule, now, zone_offset);
  const std::int64_t index = slice != nullptr ? slice->index
                             : rule.period == Period::Rolling
                                 ? 0
                                 : period_index(rule.period, rule.zone, now + share.ahead, zone_offset);
  return slice_window(rule_key(rule), index);
}

FleetWindow window_of(const RelayConfig& relay, const LimitRule& rule, WindowUse use) {
  return {.relay = relay.name,
          .limit = rule.text,
          .is_rate = rule.is_rate,
          .count = rule.count,
          .used = use.used,
          .hosts = std::move(use.hosts)};
}

/// Asks about the limits of one relay, whose keys are all on one server.
std::string ask_about(FleetLink& link, const FleetConfig& fleet, const Shared& shared, WallTime now,
                      std::vector<FleetWindow>& windows) {
  const RelayConfig& relay = shared.relay;
  std::vector<StoreCommand> commands;
  std::vector<std::size_t> ends;
  for (const LimitRule& rule : relay.limits.rules) {
    const std::string name = window_name(rule, shared.allowance.fleet, now);
    for (StoreCommand& command : window_commands(window_keys(fleet, relay.name, name)))
      commands.push_back(std::move(command));
    ends.push_back(commands.size());
  }
  if (commands.empty()) return "";
  const auto replies = link.run(commands);
  if (!replies) return replies.error();
  std::size_t begin = 0;
  for (std::size_t i = 0; i < ends.size(); begin = ends[i++]) {
    auto use = parse_window(std::span(*replies).subspan(begin, ends[i] - begin));
    if (!use) return use.error();
    windows.push_back(window_of(relay, relay.limits.rules[i], *std::move(use)));
  }
  return "";
}

/// Asks about all limits; without one only whether there is an answer. What went wrong.
std::string ask_store(FleetLink& link, const FleetConfig& fleet, const std::vector<Shared>& all, WallTime now,
                      std::vector<FleetWindow>& windows) {
  for (const Shared& shared : all) {
    if (auto problem = ask_about(link, fleet, shared, now, windows); !problem.empty()) return problem;
  }
  if (!windows.empty()) return "";
  const auto replies = link.run(std::vector<StoreCommand>{{"TIME"}});
  if (!replies) return replies.error();
  return replies->front().kind == StoreReply::Kind::Error ? problem_of(replies->front()) : "";
}

/// Why the store does not do what deliveries ask for, although it may be read: it is full, or a replica.
std::string problem_of_deliveries(StateStore& store, WallTime now) {
  const std::vector<std::string> keys{std::string(kFleetKey)};
  const StoreHealth health = unpack_store_health(store.read(keys, now).at(0));
  return health.away() && now - health.tried < kLately ? health.words : "";
}

/// What this host was told last, of itself and of all.
void add_own_windows(const Shared& shared, const FleetHost& self, WallTime now, std::vector<FleetWindow>& windows) {
  for (const LimitRule& rule : shared.relay.limits.rules) {
    const Slice* const slice = find_slice(shared.allowance.fleet, rule, now, zone_offset);
    if (slice == nullptr || !slice->known()) continue;
    const std::uint64_t taken = slice->spent + held(shared.allowance, rule);
    WindowUse use{.used = slice->fleet, .hosts = {}};
    use.hosts.push_back({.id = self.id,
                         .name = printable(self.name),
                         .left = slice->granted > taken ? slice->granted - taken : 0,
                         .seen = std::max(now - slice->answered, Span(0))});
    windows.push_back(window_of(shared.relay, rule, std::move(use)));
    windows.back().answered = slice->answered;
  }
}

std::string window_line(const FleetWindow& window) {
  if (!window.is_rate)
    return fmt::format("\n{}  quota {}: {} of {} used or granted\n", printable(window.relay), window.limit, window.used,
                       window.count);
  const std::string among = window.answered ? "" : " among " + counted(window.hosts.size(), "host");
  return fmt::format("\n{}  rate {}{}\n", printable(window.relay), window.limit, among);
}

}  // namespace

FleetReport make_fleet_report(StateTool& tool) {
  const Configuration& configuration = tool.loaded.configuration;
  const FleetConfig& fleet = *configuration.fleet;
  FleetReport report{.url = fleet.url, .problem = {}, .windows = {}};
  const SystemClock clock;
  const WallTime now = tool.wall.now();
  std::vector<Shared> all;
  for (const auto& [name, relay] : configuration.relays) {
    const std::vector<std::string> keys{relay_key(name)};
    all.push_back({relay, unpack(tool.store->read(keys, now).at(0)).value_or(RelayState()).allowance});
  }
  FleetLink link(fleet, configuration.run, clock);
  report.problem = ask_store(link, fleet, all, now, report.windows);
  if (report.problem.empty()) {
    report.problem = problem_of_deliveries(*tool.store, now);
    return report;
  }
  report.windows.clear();
  const FleetHost self = fleet_host(fleet);
  for (const Shared& shared : all)
    add_own_windows(shared, self, now, report.windows);
  return report;
}

std::string fleet_table(const FleetReport& report, bool colour) {
  const bool answers = report.problem.empty();
  std::string text = answers ? fmt::format("fleet {}: {}\n", report.url, coloured("answers", Colour::Green, colour))
                             : fmt::format("fleet {}: {}: {}\n", report.url,
                                           coloured("does not answer", Colour::Red, colour), printable(report.problem));
  if (!report.windows.empty() && report.windows.front().answered) text += "This is what this host was told last.\n";
  for (const FleetWindow& window : report.windows) {
    text += window_line(window);
    for (const FleetHostUse& host : window.hosts) {
      text += fmt::format("    {:<30} {:<18} {}seen {}s ago\n", clip(host.name, 60), clip(host.id, 60),
                          window.is_rate ? "" : fmt::format("{:>8} left  ", host.left), host.seen.count() / 1000);
    }
  }
  return text;
}

std::string fleet_prometheus(const FleetReport& report) {
  std::string text = fmt::format(
      "# HELP relaypipe_fleet_store_answers Whether the fleet's store answers.\n# TYPE relaypipe_fleet_store_answers "
      "gauge\nrelaypipe_fleet_store_answers {}\n",
      report.problem.empty() ? 1 : 0);
  std::string used;
  std::string hosts;
  for (const FleetWindow& window : report.windows) {
    if (window.is_rate) continue;
    used +=
        fmt::format("relaypipe_fleet_used{{relay=\"{}\",limit=\"{}\"}} {}\n", window.relay, window.limit, window.used);
    for (const FleetHostUse& host : window.hosts) {
      hosts += fmt::format("relaypipe_fleet_host_left{{relay=\"{}\",limit=\"{}\",host=\"{}\"}} {}\n", window.relay,
                           window.limit, host.id, host.left);
    }
  }
  if (!used.empty())
    text +=
        "# HELP relaypipe_fleet_used What all hosts used or were granted.\n# TYPE relaypipe_fleet_used gauge\n" + used;
  if (!hosts.empty()) {
    text +=
        "# HELP relaypipe_fleet_host_left What a host had left of its slice when it asked last.\n# TYPE "
        "relaypipe_fleet_host_left gauge\n" +
        hosts;
  }
  return text;
}

}  // namespace relaypipe
