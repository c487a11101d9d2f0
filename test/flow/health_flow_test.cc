// What deliveries leave one another about the health of relays: several of them one after another over fakes.
#include "catch.h"
#include "flow/memory_flow.h"

namespace relaypipe::flow {
namespace {

using Catch::Matchers::StartsWith;
using Times = std::vector<Duration>;

const char* const kByFirst = "delivered 2.0.0 192.0.2.1[192.0.2.1]:587: 250 ";
const char* const kBySecond = "delivered 2.0.0 192.0.2.2[192.0.2.2]:587: 250 ";

/// One message that meets a refused first relay.
void refuse_first(Deliveries& all) {
  Flow& flow = all.next();
  flow.first().refused();
  flow.second();
  REQUIRE_THAT(flow.run(), StartsWith(kBySecond));
  all.finish();
}

/// One relay of two addresses, of which the first one is the first: the seed has them change places.
Flow& two_addresses(Deliveries& all) {
  Flow& flow = all.next();
  flow.settings.ip = IpVersion::V4;
  flow.world.resolver.addresses("mail.example", {"192.0.2.2", "192.0.2.1"});
  return flow;
}

/// One message over each, so that both are known.
void make_known(Deliveries& all, Duration ready) {
  for (const char* const name : {kFirstRelay, kSecondRelay}) {
    Flow& flow = all.next();
    flow.nexthop = name;
    flow.first().ready_after(ready);
    flow.second().ready_after(ready);
    REQUIRE_THAT(flow.run(), StartsWith("delivered"));
  }
  all.finish();
}

TEST_CASE("the second message does not dial a relay that refused the first") {
  Deliveries all;
  refuse_first(all);
  REQUIRE(all.changes.size() == 1);
  CHECK(all.changes[0].kind == Change::Kind::Down);
  CHECK(all.changes[0].relay == kFirstRelay);
  CHECK(all.changes[0].until == all.now() + 15s);
  all.clock += 14s;
  Flow& flow = all.next();
  flow.first();
  flow.second();
  CHECK_THAT(flow.run(), StartsWith(kBySecond));
  CHECK(flow.first().dialled.empty());
  CHECK(flow.world.timeline.elapsed() == 0s);
  // Nobody asks a person to read a line about what was not needed.
  CHECK_THAT(flow.delivered.verdict.text, !contains("tried"));
}

TEST_CASE("after the cool-down one delivery probes, and what it finds decides for all") {
  Deliveries all;
  refuse_first(all);
  all.clock += 15s;
  SECTION("the relay is well again") {
    Flow& flow = all.next();
    flow.first();
    flow.second();
    CHECK_THAT(flow.run(), StartsWith(kByFirst));
    all.finish();
    CHECK(all.state(kFirstRelay).health.since == kNever);
    CHECK(all.changes.back().kind == Change::Kind::Up);
    CHECK(all.changes.back().cause == Cause::Network);
  }
  SECTION("it is not: it rests twice as long") {
    refuse_first(all);
    CHECK(all.state(kFirstRelay).health.until == all.now() + 30s);
    CHECK(all.changes.size() == 1);
  }
  SECTION("the others go on without it while the one looks, and without waiting") {
    Flow* probing = &all.next();
    probing->first().silent_at(Stage::Connect);
    probing->second();
    // In the middle of the probe, a second before its patience is over, another delivery looks at what there is.
    std::string seen;
    probing->world.timeline.at(1s, [&] {
      Flow other;
      other.world.store.records = probing->world.store.records;
      other.world.wall.shift = all.clock + 1s;
      other.world.self = {999};
      other.first();
      other.second();
      seen = other.run();
      CHECK(other.first().dialled.empty());
      CHECK(other.world.timeline.elapsed() == 0s);
    });
    CHECK_THAT(probing->run(), StartsWith(kBySecond));
    CHECK_THAT(seen, StartsWith(kBySecond));
    CHECK(probing->first().dialled == Times{0s});
    all.finish();
    // Outrun while it was probed: it has failed once more.
    CHECK(all.state(kFirstRelay).health.failures == 2);
    CHECK(all.state(kFirstRelay).health.probe_until == kNever);
  }
  SECTION("the one was killed: the next one probes") {
    all.probed_by_another(kFirstRelay, 1s);
    all.ended.insert(99);
    Flow& flow = all.next();
    flow.first();
    flow.second();
    CHECK_THAT(flow.run(), StartsWith(kByFirst));
  }
}

TEST_CASE("when all relays rest, the message is deferred at once, with the time and without a question") {
  Deliveries all;
  Flow& flow = all.next();
  flow.first().refused();
  flow.second().refused();
  CHECK_THAT(flow.run(), StartsWith("deferred 4.4.1 connect to 192.0.2.2[192.0.2.2]:587: Connection refused"));
  all.finish();
  all.clock += 5s;
  Flow& late = all.next();
  late.first();
  late.second();
  CHECK(late.run() ==
        "deferred 4.4.1 delivery temporarily suspended, [192.0.2.1]:587 is not tried until 2026-11-27 00:00:15 UTC: "
        "connect to 192.0.2.1[192.0.2.1]:587: Connection refused; tried [192.0.2.2]:587: is not tried until 2026-11-27 "
        "00:00:15 UTC");
  CHECK(late.first().dialled.empty());
  CHECK(late.second().dialled.empty());
  CHECK(late.world.timeline.elapsed() == 0s);
}

TEST_CASE("a relay by name that rests is not even looked up") {
  Deliveries all("[mail.example]:587");
  Flow& flow = all.next();
  flow.world.resolver.addresses("mail.example", {"192.0.2.1"});
  flow.first().refused();
  CHECK_THAT(flow.run(), StartsWith("deferred 4.4.1"));
  all.finish();
  Flow& late = all.next();
  late.world.resolver.addresses("mail.example", {"192.0.2.1"});
  late.first();
  CHECK_THAT(late.run(), StartsWith("deferred 4.4.1 delivery temporarily suspended"));
  CHECK(late.world.resolver.asked.empty());
}

TEST_CASE("with nothing else left one delivery looks before the rest is over, but not before the shortest") {
  Deliveries all(kFirstRelay);
  const auto meet = [&](bool well) {
    Flow& flow = all.next();
    flow.first();
    if (!well) flow.first().refused();
    const std::string result = flow.run();
    const bool dialled = !flow.first().dialled.empty();
    all.finish();
    return (dialled ? "dialled, " : "left alone, ") + result.substr(0, 9);
  };
  for (int failure = 0; failure < 4; ++failure) {
    CHECK(meet(false) == "dialled, deferred ");
    all.clock += 15s;
  }
  // It rests two minutes by now, and may be looked at after fifteen seconds.
  CHECK(all.state(kFirstRelay).health.until == all.now() + 105s);
  all.clock -= 1s;
  CHECK(meet(true) == "left alone, deferred ");
  all.clock += 1s;
  all.probed_by_another(kFirstRelay, 0s);
  CHECK(meet(true) == "left alone, deferred ");
  all.ended.insert(99);
  CHECK(meet(true) == "dialled, delivered");
}

TEST_CASE("a stranger that is silent: the first deliveries wait for it, and then nobody") {
  Deliveries all;
  Flow& first = all.next();
  first.first().silent_at(Stage::Greeting);
  first.second();
  std::vector<std::pair<int, Times>> others;
  for (const int ms : {100, 249, 250, 1500}) {
    first.world.timeline.at(std::chrono::milliseconds(ms), [&, ms] {
      Flow other;
      other.world.store.records = first.world.store.records;
      other.world.wall.shift = Span(ms);
      other.world.self = {900U + static_cast<std::uint32_t>(ms)};
      other.first().silent_at(Stage::Greeting);
      other.second();
      CHECK_THAT(other.run(), StartsWith(kBySecond));
      others.emplace_back(ms, other.second().dialled);
      if (ms >= 250) CHECK(other.first().dialled.empty());
    });
  }
  CHECK_THAT(first.run(), StartsWith(kBySecond));
  CHECK(first.second().dialled == Times{2s});
  CHECK(others == std::vector<std::pair<int, Times>>{{100, {2s}}, {249, {2s}}, {250, {0s}}, {1500, {0s}}});
  all.finish();
  CHECK(all.state(kFirstRelay).health.failures == 1);
}

TEST_CASE("with nothing else left a stranger is tried, whoever is looking at it") {
  Deliveries all(kFirstRelay);
  all.probed_by_another(kFirstRelay, 10s);
  Flow& flow = all.next();
  flow.first();
  CHECK_THAT(flow.run(), StartsWith(kByFirst));
}

TEST_CASE("what a relay usually needs does not shorten its patience: a pause is no failure, a silence is one, once") {
  Deliveries all;
  make_known(all, 100ms);
  const auto send = [&](bool silent) {
    Flow& flow = all.next();
    silent ? flow.first().silent_at(Stage::Connect) : flow.first().ready_after(1900ms);
    flow.second();
    CHECK_THAT(flow.run(), StartsWith(silent ? kBySecond : kByFirst));
    const Times dialled = flow.second().dialled;
    all.finish();
    return dialled;
  };
  CHECK(send(false).empty());
  CHECK(send(false).empty());
  CHECK(all.state(kFirstRelay).health.since == kNever);
  CHECK(send(true) == Times{2s});
  CHECK(all.state(kFirstRelay).health.failures == 1);
  CHECK(send(true) == Times{0s});
}

TEST_CASE("a relay with two addresses of which one is refused is well, and that one comes last") {
  Deliveries all("[mail.example]:587");
  const auto send = [&](bool first_well) -> Flow& {
    Flow& flow = two_addresses(all);
    if (!first_well) flow.first().refused();
    flow.first();
    flow.second();
    CHECK_THAT(flow.run(), StartsWith("delivered"));
    return flow;
  };
  CHECK(send(false).first().dialled == Times{0s});
  CHECK(all.flow->second().messages.size() == 1);
  const std::string name = all.flow->plan.legs[0].relay.name;
  all.finish();
  CHECK(all.state(name).health.since == kNever);
  CHECK(all.changes.empty());
  {
    Flow& flow = send(true);
    CHECK(flow.first().dialled.empty());
    CHECK(flow.second().dialled == Times{0s});
  }
  all.finish();
  all.clock += 15s;
  CHECK(send(true).first().messages.size() == 1);
}

TEST_CASE("an address that TCP never answers costs its relay's next message nothing") {
  Deliveries all("[mail.example]:587");
  const auto send = [&]() -> Flow& {
    Flow& flow = two_addresses(all);
    flow.first().silent_at(Stage::Connect);
    flow.second();
    CHECK_THAT(flow.run(), StartsWith("delivered"));
    return flow;
  };
  CHECK(send().second().dialled == Times{250ms});
  const std::string name = all.flow->plan.legs[0].relay.name;
  all.finish();
  CHECK(all.state(name).health.since == kNever);
  CHECK(send().second().dialled == Times{0s});
}

TEST_CASE("a probe over two addresses of which one is dead finds the relay well") {
  Deliveries all("[mail.example]:587");
  const auto send = [&](bool second_well) {
    Flow& flow = two_addresses(all);
    flow.first().silent_at(Stage::Connect);
    if (second_well)
      flow.second().ready_after(10ms);
    else
      flow.second().refused();
    const std::string result = flow.run().substr(0, 9);
    const std::string name = flow.plan.legs[0].relay.name;
    all.finish();
    return result + (all.state(name).health.since == kNever ? ", well" : ", down");
  };
  CHECK(send(false) == "deferred , down");
  all.clock += 1min;
  // Both have rested, so the dead one is the first again.
  CHECK(send(true) == "delivered, well");
}

TEST_CASE("all addresses refused: the relay is down") {
  Deliveries all("[mail.example]:587");
  Flow& flow = all.next();
  flow.world.resolver.addresses("mail.example", {"192.0.2.2", "192.0.2.1"});
  flow.first().refused();
  flow.second().refused();
  CHECK_THAT(flow.run(), StartsWith("deferred 4.4.1"));
  const std::string name = flow.plan.legs[0].relay.name;
  all.finish();
  CHECK(all.state(name).health.failures == 1);
}

TEST_CASE("one MX host that refuses to go on does not speak for the others") {
  Deliveries all("example.net");
  Flow& flow = all.next();
  flow.settings.ip = IpVersion::V4;
  flow.world.resolver.mx("example.net", {{10, "mx1.example.net"}, {20, "mx2.example.net"}});
  flow.world.resolver.addresses("mx1.example.net", {"192.0.2.1"});
  flow.world.resolver.addresses("mx2.example.net", {"192.0.2.2"});
  flow.relay("192.0.2.1:25").says("MAIL", "421 4.3.2 shutting down");
  flow.relay("192.0.2.2:25");
  CHECK_THAT(flow.run(), StartsWith("delivered"));
  all.finish();
  CHECK(all.state("example.net").health.since == kNever);
  CHECK(all.changes.empty());
}

TEST_CASE("a refused AUTH rests an hour, or until the credentials are others") {
  Deliveries all;
  const auto meet = [&](const char* reply) {
    Flow& flow = all.next();
    if (reply != nullptr)
      flow.first().fails({Stage::Auth, Trouble::Lost, "", Reply{535, {reply}, {5, 7, 8}}}, 1ms);
    else
      flow.first();
    flow.second();
    CHECK_THAT(flow.run(), StartsWith("delivered"));
    const bool dialled = !flow.first().dialled.empty();
    all.finish();
    return dialled;
  };
  CHECK(meet("5.7.8 authentication failed"));
  CHECK(all.state(kFirstRelay).health.cause == Cause::Auth);
  all.clock += 59min;
  CHECK_FALSE(meet(nullptr));
  SECTION("the hour is over") {
    all.clock += 1min;
    CHECK(meet("5.7.8 authentication failed"));
    CHECK_FALSE(meet(nullptr));
  }
  SECTION("somebody changed them") {
    all.credentials = 2;
    CHECK(meet("5.7.8 authentication failed"));
    CHECK_FALSE(meet(nullptr));
    all.credentials = 3;
    CHECK(meet(nullptr));
    CHECK(all.state(kFirstRelay).health.since == kNever);
  }
}

TEST_CASE("a quota reply rests until the time it names") {
  Deliveries all;
  Flow& flow = all.next();
  flow.first().says("MAIL", "452 4.5.3 Daily message quota exceeded, try again after 600 seconds");
  flow.second();
  CHECK_THAT(flow.run(), StartsWith(kBySecond));
  all.finish();
  const Health health = all.state(kFirstRelay).health;
  CHECK(health.cause == Cause::Quota);
  CHECK(health.until == all.now() + 600s);
  all.clock += 599s;
  {
    Flow& next = all.next();
    next.first();
    next.second();
    CHECK_THAT(next.run(), StartsWith(kBySecond));
    CHECK(next.first().dialled.empty());
  }
  all.finish();
  all.clock += 1s;
  CHECK_THAT(all.next().run(), StartsWith("deferred"));  // nobody listens; it was dialled
  all.finish();
  CHECK(all.state(kFirstRelay).health.cause == Cause::Network);
}

TEST_CASE("a sender that a relay does not take is kept away from it, and nobody else") {
  Deliveries all;
  const auto send = [&](const char* sender, bool refused) {
    Flow& flow = all.next();
    flow.envelope.sender = *parse_sender(sender);
    if (refused)
      flow.first().says("MAIL", "550 5.7.60 SendAsDenied; client does not have permissions to send as this sender");
    flow.first();
    flow.second();
    CHECK_THAT(flow.run(), StartsWith("delivered"));
    const bool dialled = !flow.first().dialled.empty();
    all.finish();
    return dialled;
  };
  CHECK(send("a@example.com", true));
  CHECK(all.state(kFirstRelay).health.since == kNever);
  CHECK(all.state(kFirstRelay).endpoints.empty());
  CHECK_FALSE(send("a@example.com", false));
  CHECK(send("b@example.com", false));
  all.clock += 1h;
  CHECK(send("a@example.com", false));
}

TEST_CASE("our own trouble and what is said of the message leave a relay's health alone") {
  const int what = GENERATE(range(0, 5));
  CAPTURE(what);
  Deliveries all;
  Flow& flow = all.next();
  switch (what) {
    case 0: flow.first().fails({Stage::Auth, Trouble::NoCredentials, "no file"}); break;
    case 1: flow.first().fails({Stage::Connect, Trouble::Misconfigured, "no CA file"}); break;
    case 2: flow.first().fails({Stage::Connect, Trouble::Local, "too many open files"}); break;
    case 3: flow.first().says("RCPT", "450 4.2.0 greylisted, please come back"); break;
    case 4: flow.first().says("RCPT", "550 5.1.1 no such user"); break;
  }
  flow.second();
  flow.run();
  all.finish();
  CHECK(all.state(kFirstRelay).health.since == kNever);
  CHECK(all.state(kFirstRelay).health.failures == 0);
  CHECK(all.state(kFirstRelay).health.probe_until == kNever);
  CHECK(all.changes.empty());
}

TEST_CASE("whoever is interrupted does not blame the relays it was waiting for; the deadline does") {
  const int how = GENERATE(range(0, 4));
  CAPTURE(how);
  Deliveries all(kFirstRelay);
  Flow& flow = all.next();
  flow.settings.deadline = 10s;
  flow.first().silent_at(Stage::Connect);
  flow.message_at(how == 2 ? 5s : 0s, how == 2 ? "cut" : kContent);
  if (how == 2) flow.envelope.announced_size = 100000;
  if (how == 0) flow.caller_becomes(Caller::State::Gone, 5s);
  if (how == 1) flow.caller_becomes(Caller::State::Terminating, 5s);
  CHECK_THAT(flow.run(), StartsWith("deferred 4."));
  CHECK(flow.world.timeline.elapsed() == (how == 3 ? 10s : 5s));
  all.finish();
  CHECK((all.state(kFirstRelay).health.since != kNever) == (how == 3));
  CHECK(all.state(kFirstRelay).health.probe_until == kNever);
}

TEST_CASE("a relay much slower than its tier's others gives up its place, inside the tier") {
  for (const std::size_t tier : {1U, 0U}) {
    CAPTURE(tier);
    Deliveries all;
    for (int i = 0; i < 5; ++i) {
      for (const char* const name : {kFirstRelay, kSecondRelay}) {
        Flow& flow = all.next();
        flow.nexthop = name;
        flow.first().says(".", "250 2.0.0 Ok", 3s);
        flow.second().says(".", "250 2.0.0 Ok", 100ms);
        REQUIRE_THAT(flow.run(), StartsWith("delivered"));
      }
    }
    Flow& flow = all.next();
    flow.tier = tier;
    flow.first();
    flow.second();
    // A list has no tiers: every destination has its own place.
    CHECK_THAT(flow.run(), StartsWith(tier == 0 ? kByFirst : kBySecond));
    all.finish();
    all.clock += 11min;
    Flow& later = all.next();
    later.tier = tier;
    later.first();
    later.second();
    CHECK_THAT(later.run(), StartsWith(kByFirst));
  }
}

TEST_CASE("a suspended relay is passed over, and all of them suspended defer") {
  Deliveries all;
  const auto suspend = [&](const char* relay) {
    all.finish();
    RelayState state = all.state(relay);
    state.health.suspended_until = all.now() + 2h;
    all.records[relay_key(relay)] = {pack(state), all.now() + 24h};
  };
  refuse_first(all);
  all.clock += 1min;
  suspend(kFirstRelay);
  CHECK_THAT(all.next().run(), StartsWith("deferred"));
  CHECK(all.flow->first().dialled.empty());
  suspend(kSecondRelay);
  Flow& flow = all.next();
  flow.first();
  flow.second();
  CHECK(flow.run() ==
        "deferred 4.3.2 delivery temporarily suspended, [192.0.2.1]:587 was suspended by the administrator until "
        "2026-11-27 02:01:00 UTC; tried [192.0.2.2]:587: was suspended by the administrator until 2026-11-27 02:01:00 "
        "UTC");
  CHECK(flow.first().dialled.empty());
  CHECK(flow.second().dialled.empty());
  all.finish();
  all.clock += 2h;
  CHECK_THAT(all.next().run(), StartsWith("deferred 4.4.1"));
}

TEST_CASE("a store that neither reads nor writes: every delivery is as without memory") {
  Deliveries all;
  all.broken = "no space left on device";
  refuse_first(all);
  refuse_first(all);
  Flow& both = all.next();
  both.first().refused();
  both.second().refused();
  CHECK_THAT(both.run(), StartsWith("deferred 4.4.1 connect to 192.0.2.2[192.0.2.2]:587"));
  Flow& silent = all.next();
  silent.first().silent_at(Stage::Connect);
  silent.second();
  CHECK_THAT(silent.run(), StartsWith(kBySecond));
  CHECK(silent.second().dialled == Times{2s});
  Flow& lost = all.next();
  lost.first().closes_at(".");
  lost.second();
  CHECK_THAT(lost.run(), StartsWith("deferred 4.4.2"));
  CHECK(lost.second().commands.empty());
  CHECK(all.flow->world.store.records.empty());
}

TEST_CASE("records that nobody can read count as absent") {
  Deliveries all;
  all.records[relay_key(kFirstRelay)] = {std::string("\x7f\xff\x00\x01", 4), all.now() + 24h};
  all.records[relay_key(kSecondRelay)] = {"x", all.now() + 24h};
  Flow& flow = all.next();
  flow.first();
  CHECK_THAT(flow.run(), StartsWith(kByFirst));
  all.finish();
  CHECK(all.state(kFirstRelay).health.successes == 1);
}

TEST_CASE("a clock that was set back makes no relay rest longer") {
  Deliveries all;
  refuse_first(all);
  all.clock -= 2h;
  const auto dialled = [&] {
    Flow& flow = all.next();
    flow.first();
    flow.second();
    CHECK_THAT(flow.run(), StartsWith("delivered"));
    const bool first = !flow.first().dialled.empty();
    all.finish();
    return first;
  };
  CHECK_FALSE(dialled());
  all.clock += 14s;
  CHECK_FALSE(dialled());
  all.clock += 1s;
  CHECK(dialled());
}

}  // namespace
}  // namespace relaypipe::flow
