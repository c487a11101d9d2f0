#include "command/fleet/parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "config/read_fleet.h"
#include "io/system/change_hook.h"
#include "io/system/own_program.h"
#include "io/system/time_zones.h"
#include "state/history_records.h"

namespace relaypipe {
FleetServices fleet_services(const FleetConfig& fleet, const RunSettings& settings, StateParts& state,
                             const Clock& clock, Journal& journal) {
  HistoryServices history = state.services();
  return {.fleet = fleet,
          .settings = settings,
          .store = state.store(),
          .clock = clock,
          .wall = state.wall(),
          .alive = history.alive,
          .zones = zone_offset,
          .stamps =
              [history](const Relay& relay) {
                return Stamps{.credentials = history.credentials(relay), .settings = history.settings(relay)};
              },
          .changed = history.changed,
          .store_changed =
              [&](bool away, const std::string& words) {
                if (!away) return journal.line(Journal::Level::Info, "fleet: " + fleet.url + " answers again");
                journal.line(Journal::Level::Warning,
                             fmt::format("fleet: {} does not answer: {}; deliveries go on, when_away={}", fleet.url,
                                         printable(words), when_away_name(fleet.when_away)));
              }};
}

FleetParts::FleetParts(const std::optional<FleetConfig>& fleet, const RunSettings& settings, CommonArguments arguments,
                       StateParts& state, const Clock& clock, Journal& journal)
    : fleet_(fleet),
      settings_(settings),
      arguments_(std::move(arguments)),
      state_(state),
      clock_(clock),
      journal_(journal) {}

HistoryServices FleetParts::services() {
  HistoryServices services = state_.services();
  if (!fleet_ || !settings_.use_state) return services;
  services.longest_question = longest_question(*fleet_);
  services.ask_fleet = [this](const Relay& relay, const SliceNeed& need) { return ask(relay, need); };
  services.refill = [this](const Relay& relay, bool noted) { (noted ? noted_ : due_).insert(relay.name); };
  return services;
}

FleetAnswer FleetParts::ask(const Relay& relay, const SliceNeed& need) {
  FleetSync sync(fleet_services(*fleet_, settings_, state_, clock_, journal_));
  return sync.exchange(relay, need) == FleetSync::End::Busy ? FleetAnswer::Busy : FleetAnswer::Done;
}

/// Leaves those about which another process asks, or soon will.
void FleetParts::note_start(std::set<std::string>& relays) {
  std::vector<std::string> keys{std::string(kFleetKey)};
  const std::vector<std::string> names(relays.begin(), relays.end());
  for (const std::string& name : names)
    keys.push_back(relay_key(name));
  const WallTime now = state_.wall().now();
  state_.store().update(keys, now, StateWait::Brief, [&](std::vector<StateValue>& values) {
    const bool tried = !may_ask(unpack_store_health(values[0].octets), now);
    for (std::size_t i = 0; i < names.size(); ++i) {
      RelayState state = state_in(values[i + 1]);
      FleetShare& share = state.allowance.fleet;
      if (tried || share.asking_until > now || share.is_starting(now)) {
        relays.erase(names[i]);
        continue;
      }
      share.started = now;
      if (!share.any()) share.sequence = 1;
      values[i + 1] = value_of(state, now);
    }
  });
}

void FleetParts::start_refill(const std::string& log_id) {
  for (const std::string& name : noted_)
    due_.erase(name);
  if (!due_.empty()) note_start(due_);
  due_.merge(noted_);
  noted_.clear();
  if (due_.empty()) return;
  std::vector<std::string> argv{own_program(), "refill"};
  if (arguments_.config) argv.insert(argv.end(), {"--config", *arguments_.config});
  for (const std::string& setting : arguments_.settings)
    argv.insert(argv.end(), {"-o", setting});
  argv.emplace_back("--");
  argv.insert(argv.end(), due_.begin(), due_.end());
  due_.clear();
  const std::string problem = run_detached(argv, "");
  if (problem.empty()) return;
  journal_.line(Journal::Level::Warning, fmt::format("{}: {} refill: {}", log_id, argv.front(), problem));
}

}  // namespace relaypipe
