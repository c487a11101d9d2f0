// The order of relays and of MX hosts over deliveries that remember: slow ones that answer keep their place, silent
// ones lose it once.
#include <algorithm>

#include "catch.h"
#include "flow/history_flow.h"

namespace relaypipe::flow {
namespace {

using Catch::Matchers::StartsWith;
using Times = std::vector<Duration>;

/// The same two relays as a list, and as MX hosts of one domain.
struct Route {
  const char* nexthop;
  bool mx;
};

const Route kRoutes[] = {{kTwo, false}, {"example.net:587", true}};

Flow& message(Deliveries& all, const Route& route) {
  all.nexthop = route.nexthop;
  Flow& flow = all.next();
  flow.settings.ip = IpVersion::V4;
  if (!route.mx) return flow;
  flow.services.resolver.mx("example.net", {{10, "a.example"}, {20, "b.example"}}, 10ms);
  flow.services.resolver.addresses("a.example", {"192.0.2.1"}, {}, 10ms);
  flow.services.resolver.addresses("b.example", {"192.0.2.2"}, {}, 10ms);
  return flow;
}

/// How the first relay comes to a ready session.
struct Slow {
  Duration round_trip;
  Duration greeting;  ///< how long it waits before that
  Duration patience;
};

const Slow kSlow[] = {{50ms, 0ms, 2s},    {150ms, 0ms, 2s},    {300ms, 0ms, 2s},
                      {50ms, 1500ms, 2s}, {300ms, 1500ms, 2s}, {50ms, 5500ms, 8s}};

/// TCP, greeting, EHLO, STARTTLS, two of TLS, EHLO: the last one is the session.
void is_slow(fake::FakeRelay& relay, const Slow& slow) {
  const Duration trip = slow.round_trip;
  const Duration greeted = trip + slow.greeting + trip / 2;
  relay.ready_after(greeted + 4 * trip, Stage::Connect);
  relay.by_steps({{trip, Stage::Greeting},
                  {greeted, Stage::Ehlo},
                  {greeted + trip, Stage::StartTls},
                  {greeted + 2 * trip, Stage::Tls},
                  {greeted + 3 * trip, Stage::Ehlo}});
}

TEST_CASE("a slow first relay that answers has every message, whatever is known of it") {
  const Route route = GENERATE(from_range(std::begin(kRoutes), std::end(kRoutes)));
  const Slow slow = GENERATE(from_range(std::begin(kSlow), std::end(kSlow)));
  CAPTURE(route.nexthop, slow.round_trip.count(), slow.greeting.count());
  Deliveries all;
  all.settings.patience = slow.patience;
  const auto send = [&](const char* when, bool quick = false) {
    CAPTURE(when);
    Flow& flow = message(all, route);
    quick ? void(flow.first().ready_after(5ms)) : is_slow(flow.first(), slow);
    flow.second();
    CHECK_THAT(flow.run(), StartsWith("delivered"));
    CHECK(flow.first().messages.size() == 1);
    CHECK(flow.second().dialled.empty());
    all.finish();
  };
  send("cold");
  send("warm");
  all.clock += 49h;
  send("forgotten");
  all.records.clear();
  send("after a reset");
  for (int i = 0; i < 10; ++i)
    send("a fast day", true);
  send("after a fast day");
  send("and once more");
  CHECK(all.changes.empty());
}

TEST_CASE("a silent first relay costs its patience, once") {
  const Route route = GENERATE(from_range(std::begin(kRoutes), std::end(kRoutes)));
  const bool known = GENERATE(false, true);
  const Stage stage = GENERATE(Stage::Connect, Stage::Greeting);
  CAPTURE(route.nexthop, known, name(stage));
  const Duration dialled = route.mx ? 20ms : 0ms;
  Deliveries all;
  const auto send = [&](bool silent) -> Flow& {
    Flow& flow = message(all, route);
    if (silent) flow.first().silent_at(stage);
    flow.first();
    flow.second();
    CHECK_THAT(flow.run(), StartsWith("delivered"));
    return flow;
  };
  if (known) CHECK(send(false).second().dialled.empty());
  {
    Flow& flow = send(true);
    CHECK(flow.first().dialled == Times{dialled});
    CHECK(flow.second().dialled == Times{dialled + 2s});
  }
  for (int i = 0; i < 3; ++i) {
    Flow& flow = send(true);
    CHECK(flow.first().dialled.empty());
    CHECK(flow.second().dialled == Times{dialled});
  }
  all.finish();
  all.clock += 20s;
  Flow& flow = send(false);
  CHECK(flow.first().messages.size() == 1);
}

TEST_CASE("an equal MX host that was merely slower has not failed, one that TCP did not answer has") {
  const Stage stage = GENERATE(Stage::Greeting, Stage::Connect);
  CAPTURE(name(stage));
  Deliveries all("example.net:587");
  Flow& flow = all.next();
  flow.settings.ip = IpVersion::V4;
  flow.services.resolver.mx("example.net", {{10, "a.example"}, {10, "b.example"}});
  flow.services.resolver.addresses("a.example", {"192.0.2.1"});
  flow.services.resolver.addresses("b.example", {"192.0.2.2"});
  // Whichever is the first.
  for (fake::FakeRelay* const relay : {&flow.first(), &flow.second()})
    relay->ready_after(600ms, stage);
  flow.services.timeline.at(100ms, [&] {
    const bool first = !flow.first().dialled.empty();
    (first ? flow.second() : flow.first()).ready_at_once();
  });
  CHECK_THAT(flow.run(), StartsWith("delivered"));
  CHECK(flow.services.timeline.elapsed() == 250ms);
  const RelayState state = all.state("example.net:587");
  const auto cools_down = [](const EndpointState& endpoint) { return endpoint.health.down(); };
  CHECK(std::any_of(state.endpoints.begin(), state.endpoints.end(), cools_down) == (stage == Stage::Connect));
}

}  // namespace
}  // namespace relaypipe::flow
