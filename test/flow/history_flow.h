#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "flow/flow.h"
#include "state/state_record.h"

namespace relaypipe::flow {

/// Deliveries one after another: each in a world and a process of its own, with what the others left, at the time of
/// day that `clock` shows.
struct Deliveries {
  explicit Deliveries(std::string list = kTwo) : nexthop(std::move(list)) {}

  /// A new delivery, a process of its own. The last one has ended, so whatever it did not give back is free.
  Flow& next() {
    finish();
    flow = std::make_unique<Flow>(nexthop);
    flow->settings = settings;
    flow->services.run_settings = run_settings;
    flow->limits = limits;
    flow->services.store.records = records;
    flow->services.store.broken = broken;
    flow->services.wall.shift = clock;
    flow->services.self = {++pid};
    flow->services.dead = ended;
    flow->services.credentials = credentials;
    flow->envelope.queue_id = fmt::format("4Xyz{}", pid);
    return *flow;
  }

  /// Keeps what the last delivery left; `clock` goes on by what it took.
  void finish() {
    if (!flow) return;
    records = flow->services.store.records;
    clock += to_span(flow->services.timeline.elapsed());
    ended.insert(flow->services.self.token);
    changes.insert(changes.end(), flow->services.changes.begin(), flow->services.changes.end());
    // What waits in a process that goes on refers to the settings.
    if (flow->services.backlog != nullptr) kept.push_back(std::move(flow));
    flow.reset();
  }

  /// The state of a relay, as the last delivery left it.
  RelayState state(const std::string& name) {
    const auto& all = flow ? flow->services.store.records : records;
    const auto found = all.find(relay_key(name));
    return found == all.end() ? RelayState() : unpack(found->second.octets).value();
  }
  [[nodiscard]] WallTime now() const { return fake::FakeWallClock::start() + clock; }

  /// Another process that still runs looks at a relay since `since`, and hangs after `hangs` from now.
  void probed_by_another(const std::string& name, Span since, std::uint32_t other = 99, Span hangs = 2s) {
    finish();
    RelayState left = state(name);
    const Look look{.owner = {other}, .since = now() - since, .until = now() + hangs};
    take_look(left.health.looks, look, [](const Owner&) { return true; });
    records[relay_key(name)] = {pack(left), now() + 24h};
  }

  std::string nexthop;
  RelaySettings settings;
  RunSettings run_settings;
  Limits limits;
  std::map<std::string, StateValue, std::less<>> records;
  std::optional<std::string> broken;
  std::set<std::uint64_t> ended;
  Span clock{};
  std::uint64_t pid = 100;
  std::uint64_t credentials = 1;
  std::vector<Change> changes;
  std::unique_ptr<Flow> flow;
  std::vector<std::unique_ptr<Flow>> kept;
};

inline constexpr const char* kFirstRelay = "[192.0.2.1]:587";
inline constexpr const char* kSecondRelay = "[192.0.2.2]:587";

}  // namespace relaypipe::flow
