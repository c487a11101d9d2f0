// What a process that goes on after a delivery tells later, and what it tells at once.
#include <functional>

#include "catch.h"
#include "flow/history_flow.h"
#include "state/message_record.h"
#include "state/update_backlog.h"

namespace relaypipe::flow {
namespace {

using Catch::Matchers::StartsWith;

/// A process that has an UpdateBacklog: deliveries in it, and others of other processes.
struct Process {
  explicit Process() {
    Flow& flow = all.next();
    flow.nexthop = kFirstRelay;
    flow.first();
    REQUIRE_THAT(flow.run(), StartsWith("delivered"));
    all.finish();
  }

  Flow& next() {
    Flow& flow = all.next();
    flow.services.backlog = &backlog;
    flow.first();
    return flow;
  }
  /// A delivery, and what others write into the record of its relay while its acceptance waits.
  Flow& deliver_while(const std::function<void(RelayState&, WallTime)>& others) {
    Flow& flow = next();
    REQUIRE_THAT(flow.run(), StartsWith("delivered"));
    std::string& octets = flow.services.store.records[relay_key(kFirstRelay)].octets;
    RelayState state = unpack(octets).value();
    others(state, flow.services.wall.now());
    octets = pack(state);
    return flow;
  }
  /// The last delivery's process writes.
  void write() { write_backlog(all.flow->services.history(), backlog); }
  Health health() { return all.state(kFirstRelay).health; }

  Deliveries all{kFirstRelay};
  UpdateBacklog backlog;
};

TEST_CASE("that a relay which is well accepted once more is told together with the next ones") {
  Process process;
  REQUIRE(process.health().successes == 1);
  for (int i = 0; i < 3; ++i)
    CHECK_THAT(process.next().run(), StartsWith("delivered"));
  CHECK(process.health().successes == 1);
  REQUIRE(process.backlog.due());
  process.write();
  CHECK(process.health().successes == 4);
  CHECK(process.health().accepted.samples == 4);
  CHECK_FALSE(process.backlog.due());
  const auto before = process.all.flow->services.store.records;
  process.write();
  CHECK(before == process.all.flow->services.store.records);
}

TEST_CASE("it waits a second from the first one on") {
  Process process;
  Flow& flow = process.next();
  REQUIRE_THAT(flow.run(), StartsWith("delivered"));
  CHECK(process.backlog.due() == flow.services.timeline.now() + 1s);
}

TEST_CASE("what keeps a message from being sent twice never waits") {
  Process process;
  Flow& flow = process.next();
  REQUIRE_THAT(flow.run(), StartsWith("delivered"));
  CHECK(flow.services.store.records.contains(message_key(flow.envelope.queue_id, "r@example.org")));
}

TEST_CASE("a failure is told at once") {
  Process process;
  Flow& flow = process.next();
  flow.nexthop = kTwo;
  flow.first().refused();
  flow.second();
  REQUIRE_THAT(flow.run(), StartsWith("delivered"));
  CHECK(process.health().down());
  // Of the second relay nothing was known: that it is well is news.
  CHECK(process.all.state(kSecondRelay).health.successes == 1);
  CHECK_FALSE(process.backlog.due());
}

TEST_CASE("nothing waits of a relay that has a limit") {
  Process process;
  process.all.limits.rules.push_back({.count = 100, .window = std::chrono::hours(24), .zone = "", .text = "100/24h"});
  REQUIRE_THAT(process.next().run(), StartsWith("delivered"));
  CHECK_FALSE(process.backlog.due());
  CHECK(process.health().successes == 2);
}

TEST_CASE("what others found while it waited is neither taken back nor forgotten") {
  Process process;
  SECTION("that it failed") {
    Flow& flow = process.deliver_while([](RelayState& state, WallTime now) {
      state.health.outage = Outage{.since = now + 1ms, .failed = now + 1ms, .until = now + 15s};
    });
    flow.services.wall.shift += 1s;
    process.write();
    CHECK(process.health().down());
    CHECK(flow.services.changes.empty());
  }
  SECTION("a doubt, and that it was late") {
    process.deliver_while([](RelayState& state, WallTime now) {
      state.health.doubts.push_back({.message = 7, .sender = {}, .at = now});
      state.health.suspicion = Suspicion{.attempts = 1, .since = now, .last = now};
    });
    process.write();
    CHECK(process.health().doubts.size() == 1);
    CHECK(process.health().suspicion);
  }
  CHECK(process.health().successes == 2);
}

TEST_CASE("the failure that a waiting acceptance came after is over") {
  Process process;
  Flow& flow = process.deliver_while([](RelayState& state, WallTime now) {
    state.health.outage = Outage{.since = now - 1min, .failed = now - 1min, .until = now + 1min};
  });
  process.write();
  CHECK_FALSE(process.health().down());
  REQUIRE(flow.services.changes.size() == 1);
  CHECK(flow.services.changes[0].kind == Change::Kind::Up);
}

TEST_CASE("only of a calm relay an acceptance is no news") {
  Relay relay;
  RelayHistory history{.relay = {}, .with_sender = {}, .with_domains = {Health()}};
  history.relay.health.ready.add(10ms);
  const WallTime now = fake::FakeWallClock::start();
  const Alive alive = [](const Owner& owner) { return owner.token == 1; };
  REQUIRE(is_calm(history, relay, now, alive));
  SECTION("what is over does not count") {
    history.relay.health.suspended_until = now - 1s;
    history.relay.health.looks.push_back({.owner = {2}, .since = now, .until = now});
    CHECK(is_calm(history, relay, now, alive));
  }
  const auto no_more = [&](auto change) {
    RelayHistory other = history;
    Relay another = relay;
    change(other, another);
    CHECK_FALSE(is_calm(other, another, now, alive));
  };
  const auto fail = [&](Health& health) { health.outage = Outage{.since = now, .failed = now, .until = now}; };
  no_more([&](RelayHistory& one, Relay&) { one.relay.health.ready = {}; });
  no_more([&](RelayHistory& one, Relay&) { fail(one.relay.health); });
  no_more([&](RelayHistory& one, Relay&) { fail(one.with_sender); });
  no_more([&](RelayHistory& one, Relay&) { fail(one.with_domains[0]); });
  no_more([&](RelayHistory& one, Relay&) {
    one.with_domains[0].doubts.push_back({.message = 1, .sender = {}, .at = now});
  });
  no_more(
      [&](RelayHistory& one, Relay&) { one.relay.health.doubts.push_back({.message = 1, .sender = {}, .at = now}); });
  no_more(
      [&](RelayHistory& one, Relay&) { one.relay.health.looks.push_back({.owner = {1}, .since = now, .until = now}); });
  no_more([&](RelayHistory& one, Relay&) { one.relay.health.suspicion = Suspicion{}; });
  no_more([&](RelayHistory& one, Relay&) { one.relay.health.suspended_until = kFarFuture; });
  no_more([&](RelayHistory& one, Relay&) { one.relay.endpoints.push_back({"192.0.2.1:587", {}}); });
  no_more([&](RelayHistory&, Relay& other) { other.limits.connections = 1; });
  no_more([&](RelayHistory&, Relay& other) { other.limits.fleet = WhenAway::Share; });
}

}  // namespace
}  // namespace relaypipe::flow
