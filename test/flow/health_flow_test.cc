// What deliveries leave one another about the health of relays: several of them one after another over fakes.
#include <fmt/format.h>

#include <functional>

#include "catch.h"
#include "flow/history_flow.h"

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
  flow.services.resolver.addresses("mail.example", {"192.0.2.2", "192.0.2.1"});
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
  CHECK(flow.services.timeline.elapsed() == 0s);
  // Nobody asks a person to read a line about what was not needed.
  CHECK_THAT(flow.delivered.verdicts.front().text, !contains("tried"));
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
    CHECK_FALSE(all.state(kFirstRelay).health.down());
    CHECK(all.changes.back().kind == Change::Kind::Up);
    CHECK(all.changes.back().cause == Cause::Network);
  }
  SECTION("it is not: it rests twice as long") {
    refuse_first(all);
    CHECK(all.state(kFirstRelay).health.outage.value().until == all.now() + 30s);
    CHECK(all.changes.size() == 1);
  }
  SECTION("the others go on without it while the one looks, and without waiting") {
    Flow* probing = &all.next();
    probing->first().silent_at(Stage::Connect);
    probing->second();
    // In the middle of the probe, a second before its patience is over, another delivery looks at what there is.
    std::string seen;
    probing->services.timeline.at(1s, [&] {
      Flow other;
      other.services.store.records = probing->services.store.records;
      other.services.wall.shift = all.clock + 1s;
      other.services.self = {999};
      other.first();
      other.second();
      seen = other.run();
      CHECK(other.first().dialled.empty());
      CHECK(other.services.timeline.elapsed() == 0s);
    });
    CHECK_THAT(probing->run(), StartsWith(kBySecond));
    CHECK_THAT(seen, StartsWith(kBySecond));
    CHECK(probing->first().dialled == Times{0s});
    all.finish();
    // Superseded while it was probed: it has failed once more.
    CHECK(all.state(kFirstRelay).health.outage.value().failures == 2);
    CHECK(all.state(kFirstRelay).health.looks.empty());
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
  CHECK(late.services.timeline.elapsed() == 0s);
}

TEST_CASE("a relay by name that rests is not even looked up") {
  Deliveries all("[mail.example]:587");
  Flow& flow = all.next();
  flow.services.resolver.addresses("mail.example", {"192.0.2.1"});
  flow.first().refused();
  CHECK_THAT(flow.run(), StartsWith("deferred 4.4.1"));
  all.finish();
  Flow& late = all.next();
  late.services.resolver.addresses("mail.example", {"192.0.2.1"});
  late.first();
  CHECK_THAT(late.run(), StartsWith("deferred 4.4.1 delivery temporarily suspended"));
  CHECK(late.services.resolver.asked.empty());
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
  CHECK(all.state(kFirstRelay).health.outage.value().until == all.now() + 105s);
  all.clock -= 1s;
  CHECK(meet(true) == "left alone, deferred ");
  all.clock += 1s;
  all.probed_by_another(kFirstRelay, 0s, 99, 1min);
  CHECK(meet(true) == "left alone, deferred ");
  all.ended.insert(99);
  CHECK(meet(true) == "dialled, delivered");
}

/// A delivery that begins while another one runs, in the state that it has left until then.
struct Beside {
  explicit Beside(const std::string& list = kTwo) : flow(list) {}
  std::string run(const Flow& first, Span after, Span clock, std::uint64_t pid) {
    flow.services.store.records = first.services.store.records;
    flow.services.wall.shift = clock + after;
    flow.services.self = {pid};
    flow.envelope.queue_id = fmt::format("5Xyz{}", pid);
    flow.second();
    return flow.run();
  }
  Flow flow;
};

/// A session of process `pid` with the first relay becomes ready at that time.
void becomes_ready(Flow& flow, Duration when, std::uint64_t pid) {
  flow.services.timeline.at(when, [&flow, when, pid] {
    StateValue& record = flow.services.store.records.at(relay_key(kFirstRelay));
    RelayState state = *unpack(record.octets);
    HealthEvent ready;
    ready.kind = HealthEvent::Kind::Ready;
    ready.ready = when;
    ready.began = flow.services.wall.now();
    apply(state.health, ready, {pid}, {}, flow.services.wall.now());
    record.octets = pack(state);
  });
}

TEST_CASE("an unknown relay that is silent: a few look at it, and the others pass it over when that was in vain") {
  Deliveries all;
  all.probed_by_another(kFirstRelay, 1s, 97);
  all.probed_by_another(kFirstRelay, 1s, 98);
  Flow& first = all.next();
  first.first().silent_at(Stage::Greeting);
  first.second();
  Duration waited{};
  first.services.timeline.at(1500ms, [&] {
    Beside other;
    other.flow.first().silent_at(Stage::Greeting);
    CHECK_THAT(other.run(first, 1500ms, all.clock, 901), StartsWith(kBySecond));
    CHECK(other.flow.first().dialled.empty());
    waited = other.flow.second().dialled.at(0);
    // That says nothing of it.
    CHECK_FALSE(unpack(other.flow.services.store.records.at(relay_key(kFirstRelay)).octets)->health.down());
  });
  CHECK_THAT(first.run(), StartsWith(kBySecond));
  CHECK(first.second().dialled == Times{2s});
  // Until the looks were over, and not for another patience.
  CHECK(waited == 500ms);
  all.finish();
  CHECK(all.state(kFirstRelay).health.outage.value().failures == 1);
}

TEST_CASE("an unknown relay that is slow but comes keeps its place for a whole burst") {
  Deliveries all;
  for (const std::uint32_t other : {97U, 98U, 99U})
    all.probed_by_another(kFirstRelay, 0s, other);
  Flow& flow = all.next();
  flow.first();
  flow.second();
  becomes_ready(flow, 1700ms, 97);
  CHECK_THAT(flow.run(), StartsWith(kByFirst));
  CHECK(flow.second().dialled.empty());
  CHECK(flow.first().dialled == Times{1700ms});
}

TEST_CASE("with nothing else left a silent unknown relay defers whoever is not among its looks") {
  Deliveries all(kFirstRelay);
  for (const std::uint32_t other : {97U, 98U, 99U})
    all.probed_by_another(kFirstRelay, 5s, other);
  Flow& flow = all.next();
  flow.first();
  CHECK_THAT(flow.run(), StartsWith("deferred 4.4.1 delivery temporarily suspended"));
  CHECK(flow.first().dialled.empty());
  CHECK(flow.services.timeline.elapsed() == 2s);  // as long as the looks may still make progress
}

TEST_CASE("progress of a look lets the others wait on") {
  Flow flow(kFirstRelay);
  flow.plan = list_plan(kFirstRelay, flow.settings, flow.envelope);
  DeliveryHistory history(flow.services.history(), flow.envelope, flow.services.timeline.now() + 5min);
  history.open(flow.plan);
  const Leg& leg = flow.plan.legs[0];
  const auto hangs_at = [&] {
    const auto looks = unpack(flow.services.store.records.at(relay_key(kFirstRelay)).octets)->health.looks;
    return looks.empty() ? kNever : looks.at(0).until;
  };
  history.progressed(leg);  // it looks at nothing yet
  CHECK(flow.services.store.records.empty());
  REQUIRE(history.admit(leg, 0ms).kind == Admission::Kind::Go);
  CHECK(hangs_at() == fake::FakeWallClock::start() + 2s);
  flow.services.timeline.wait(flow.services.timeline.now() + 1500ms);
  history.progressed(leg);
  CHECK(hangs_at() == fake::FakeWallClock::start() + 3500ms);
  history.release(leg);
  history.flush();
  CHECK(hangs_at() == kNever);
}

TEST_CASE("when the only relay comes back, whoever comes beside the probe waits for it") {
  Deliveries all(kFirstRelay);
  Flow& down = all.next();
  down.first().refused();
  CHECK_THAT(down.run(), StartsWith("deferred"));
  all.finish();
  all.clock += 15s;
  Flow& probe = all.next();
  probe.first().ready_after(300ms);
  std::string beside;
  std::string too_long;
  probe.services.timeline.at(100ms, [&] {
    Beside other(kFirstRelay);
    other.flow.first();
    becomes_ready(other.flow, 200ms, probe.services.self.token);
    beside = other.run(probe, 100ms, all.clock, 902);
    Beside impatient(kFirstRelay);
    impatient.flow.services.run_settings.max_wait = 1s;
    impatient.flow.first();
    too_long = impatient.run(probe, 100ms, all.clock, 903);
    CHECK(impatient.flow.services.timeline.elapsed() == 1s);
  });
  CHECK_THAT(probe.run(), StartsWith(kByFirst));
  CHECK_THAT(beside, StartsWith(kByFirst));
  CHECK_THAT(too_long, StartsWith("deferred 4.4.1 delivery temporarily suspended, [192.0.2.1]:587 is being tried"));
}

TEST_CASE("a probe that hangs holds the next one no longer than its patience") {
  Deliveries all(kFirstRelay);
  Flow& down = all.next();
  down.first().refused();
  CHECK_THAT(down.run(), StartsWith("deferred"));
  all.finish();
  all.clock += 15s;
  // It took its right two seconds ago and has heard nothing since.
  all.probed_by_another(kFirstRelay, 2s);
  all.clock += 2s;
  Flow& flow = all.next();
  flow.first();
  CHECK_THAT(flow.run(), StartsWith(kByFirst));
  CHECK(flow.services.timeline.elapsed() == 0s);
}

TEST_CASE("settings that were changed end a rest") {
  struct Row {
    const char* name;
    void (*change)(RelaySettings&);
    bool ends;
  };
  const Row row = GENERATE(Row{"tls_ca_file", [](RelaySettings& s) { s.tls_more.ca_file = "/other"; }, true},
                           Row{"tls", [](RelaySettings& s) { s.tls = TlsLevel::Verify; }, true},
                           Row{"hostname", [](RelaySettings& s) { s.hostname = "other.example"; }, true},
                           Row{"bind_address", [](RelaySettings& s) { s.bind_address = {"192.0.2.77"}; }, true},
                           Row{"patience", [](RelaySettings& s) { s.patience = 3s; }, false},
                           Row{"none", [](RelaySettings&) {}, false});
  CAPTURE(row.name);
  Deliveries all;
  refuse_first(all);
  Flow& flow = all.next();
  row.change(flow.settings);
  flow.first();
  flow.second();
  CHECK_THAT(flow.run(), StartsWith(row.ends ? kByFirst : kBySecond));
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
  CHECK_FALSE(all.state(kFirstRelay).health.down());
  CHECK(send(true) == Times{2s});
  CHECK(all.state(kFirstRelay).health.outage.value().failures == 1);
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
  CHECK_FALSE(all.state(name).health.down());
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
  CHECK_FALSE(all.state(name).health.down());
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
    return result + (all.state(name).health.down() ? ", down" : ", well");
  };
  CHECK(send(false) == "deferred , down");
  all.clock += 1min;
  // Both have rested, so the dead one is the first again.
  CHECK(send(true) == "delivered, well");
}

TEST_CASE("all addresses refused: the relay is down") {
  Deliveries all("[mail.example]:587");
  Flow& flow = all.next();
  flow.services.resolver.addresses("mail.example", {"192.0.2.2", "192.0.2.1"});
  flow.first().refused();
  flow.second().refused();
  CHECK_THAT(flow.run(), StartsWith("deferred 4.4.1"));
  const std::string name = flow.plan.legs[0].relay.name;
  all.finish();
  CHECK(all.state(name).health.outage.value().failures == 1);
}

TEST_CASE("one MX host that refuses to go on does not speak for the others") {
  Deliveries all("example.net");
  Flow& flow = all.next();
  flow.settings.ip = IpVersion::V4;
  flow.services.resolver.mx("example.net", {{10, "mx1.example.net"}, {20, "mx2.example.net"}});
  flow.services.resolver.addresses("mx1.example.net", {"192.0.2.1"});
  flow.services.resolver.addresses("mx2.example.net", {"192.0.2.2"});
  flow.relay("192.0.2.1:25").says("MAIL", "421 4.3.2 shutting down");
  flow.relay("192.0.2.2:25");
  CHECK_THAT(flow.run(), StartsWith("delivered"));
  all.finish();
  CHECK_FALSE(all.state("example.net").health.down());
  CHECK(all.changes.empty());
}

TEST_CASE("a refused AUTH rests an hour, or until the credentials are others") {
  Deliveries all;
  const auto meet = [&](const char* reply) {
    Flow& flow = all.next();
    if (reply != nullptr)
      flow.first().fails({Stage::Auth, SessionError::Lost, "", Reply{535, {reply}, {5, 7, 8}}}, 1ms);
    else
      flow.first();
    flow.second();
    CHECK_THAT(flow.run(), StartsWith("delivered"));
    const bool dialled = !flow.first().dialled.empty();
    all.finish();
    return dialled;
  };
  CHECK(meet("5.7.8 authentication failed"));
  CHECK(all.state(kFirstRelay).health.outage.value().cause == Cause::Auth);
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
    CHECK_FALSE(all.state(kFirstRelay).health.down());
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
  CHECK(health.outage.value().cause == Cause::Quota);
  CHECK(health.outage.value().until == all.now() + 600s);
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
  CHECK(all.state(kFirstRelay).health.outage.value().cause == Cause::Network);
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
  CHECK_FALSE(all.state(kFirstRelay).health.down());
  CHECK(all.state(kFirstRelay).endpoints.empty());
  CHECK_FALSE(send("a@example.com", false));
  CHECK(send("b@example.com", false));
  all.clock += 1h;
  CHECK(send("a@example.com", false));
}

/// One message that the first relay does not take, in a way that may lie in the message.
struct MessageTrouble {
  const char* name;
  std::function<void(fake::FakeRelay&)> script;
};

std::vector<MessageTrouble> troubles_of_one_message() {
  return {{"reset at MAIL", [](fake::FakeRelay& r) { r.closes_at("MAIL"); }},
          {"reset at RCPT", [](fake::FakeRelay& r) { r.closes_at("RCPT"); }},
          {"reset at DATA", [](fake::FakeRelay& r) { r.closes_at("DATA"); }},
          {"reset at the dot", [](fake::FakeRelay& r) { r.closes_at("."); }},
          {"421 at MAIL", [](fake::FakeRelay& r) { r.says_and_closes("MAIL", "421 4.3.2 shutting down"); }},
          {"421 at the dot", [](fake::FakeRelay& r) { r.says_and_closes(".", "421 4.3.2 shutting down"); }},
          {"silent at DATA", [](fake::FakeRelay& r) { r.stalls_at("DATA"); }},
          {"silent at the dot", [](fake::FakeRelay& r) { r.stalls_at("."); }},
          {"garbage at the dot", [](fake::FakeRelay& r) { r.says(".", "354 go on"); }},
          {"not understood", [](fake::FakeRelay& r) { r.says("RCPT", "555 5.5.4 unsupported parameter"); }},
          {"a login wanted", [](fake::FakeRelay& r) { r.says("RCPT", "530 5.7.0 Authentication required"); }},
          {"blocked", [](fake::FakeRelay& r) { r.says("RCPT", "554 5.7.1 Client host [192.0.2.9] rejected"); }}};
}

/// Sends one message that meets the trouble, or none, and tells whether the first relay was tried.
bool send_to_first(Deliveries& all, const MessageTrouble* trouble, const std::string& sender,
                   const std::string& id = "") {
  Flow& flow = all.next();
  if (!id.empty()) flow.envelope.queue_id = id;
  flow.envelope.sender = *parse_sender(sender);
  if (trouble != nullptr) trouble->script(flow.first());
  flow.first();
  flow.second();
  if (!id.empty()) flow.second().refused();  // or it would be delivered, and not come again
  flow.run();
  const bool dialled = !flow.first().dialled.empty();
  all.finish();
  return dialled;
}

TEST_CASE("trouble in the transaction of one message takes the relay from nobody, however often it is tried again") {
  for (const MessageTrouble& trouble : troubles_of_one_message()) {
    CAPTURE(trouble.name);
    Deliveries all;
    for (int retry = 0; retry < 5; ++retry) {
      CHECK(send_to_first(all, &trouble, "a@example.com", "POISON"));
      CHECK_FALSE(all.state(kFirstRelay).health.down());
      for (const EndpointState& endpoint : all.state(kFirstRelay).endpoints)
        CHECK_FALSE(endpoint.health.down());
      all.clock += 10min;
    }
    CHECK(send_to_first(all, nullptr, "a@example.com"));
    CHECK(send_to_first(all, nullptr, "b@example.com"));
    for (const Change& change : all.changes)
      CHECK(change.relay == kSecondRelay);
  }
}

TEST_CASE("different messages of two senders in a row are the relay's, with no acceptance in between") {
  for (const MessageTrouble& trouble : troubles_of_one_message()) {
    CAPTURE(trouble.name);
    Deliveries all;
    send_to_first(all, &trouble, "a@example.com");
    send_to_first(all, &trouble, "b@example.com");
    CHECK(send_to_first(all, nullptr, "c@example.com"));  // the row begins anew
    send_to_first(all, &trouble, "a@example.com");
    send_to_first(all, &trouble, "b@example.com");
    CHECK_FALSE(all.state(kFirstRelay).health.down());
    send_to_first(all, &trouble, "d@example.com", "LAST");
    const Outage down = all.state(kFirstRelay).health.outage.value();
    CHECK(down.failures == 1);
    CHECK_FALSE(send_to_first(all, nullptr, "c@example.com"));
    // The next look by one of these messages is no reason to rest for longer; a session that is ready is none to come
    // back.
    all.clock += down.until - all.now();
    CHECK(send_to_first(all, &trouble, "d@example.com", "LAST"));
    CHECK(all.state(kFirstRelay).health.outage.value().until == down.until);
    CHECK(all.state(kFirstRelay).health.outage.value().since == down.since);
    CHECK(send_to_first(all, nullptr, "c@example.com"));
    CHECK_FALSE(all.state(kFirstRelay).health.down());
  }
}

TEST_CASE("the messages of one sender take the relay from that sender alone") {
  for (const MessageTrouble& trouble : troubles_of_one_message()) {
    CAPTURE(trouble.name);
    Deliveries all;
    for (int i = 0; i < 3; ++i)
      CHECK(send_to_first(all, &trouble, "bulk@example.com"));
    CHECK_FALSE(send_to_first(all, nullptr, "bulk@example.com"));
    CHECK_FALSE(all.state(kFirstRelay).health.down());
    CHECK(send_to_first(all, nullptr, "b@example.com"));
    all.clock += 1h;
    CHECK(send_to_first(all, nullptr, "bulk@example.com"));
  }
}

TEST_CASE("a quota that its message meets again does not rest for longer") {
  Deliveries all;
  const MessageTrouble quota{"quota", [](fake::FakeRelay& r) {
                               r.says("MAIL", "452 4.5.3 Daily message quota exceeded, try again after 600 seconds");
                             }};
  send_to_first(all, &quota, "a@example.com", "FIRST");
  const WallTime until = all.state(kFirstRelay).health.outage.value().until;
  CHECK(until == all.now() + 600s);
  all.clock += 600s;
  CHECK(send_to_first(all, &quota, "a@example.com", "FIRST"));
  CHECK(all.state(kFirstRelay).health.outage.value().until == until);
  CHECK(send_to_first(all, &quota, "a@example.com", "OTHER"));
  CHECK(all.state(kFirstRelay).health.outage.value().until == all.now() + 600s);
}

TEST_CASE("whoever is told to stop while it waits for the reply to its dot does not blame the relay") {
  Deliveries all(kFirstRelay);
  for (int i = 0; i < 4; ++i) {
    Flow& flow = all.next();
    flow.envelope.sender = *parse_sender(fmt::format("s{}@example.com", i));
    flow.first().stalls_at(".");
    flow.caller_becomes(Parent::State::Terminating, 5s);
    CHECK_THAT(flow.run(), StartsWith("deferred 4.4.2"));
    all.finish();
    CHECK(all.state(kFirstRelay).health.doubts.empty());
  }
}

/// One message to a domain that the first relay does not relay to, or to one that it does; whether it was tried.
bool send_to_domain(Deliveries& all, const std::string& domain, bool denied, const std::string& id = "") {
  Flow& flow = all.next();
  if (!id.empty()) flow.envelope.queue_id = id;
  flow.envelope.recipients = {*parse_address("r@" + domain)};
  if (denied) flow.first().says("RCPT", "554 5.7.1 <r@" + domain + ">: Relay access denied");
  flow.first();
  flow.second();
  CHECK_THAT(flow.run(), StartsWith("delivered"));
  const bool dialled = !flow.first().dialled.empty();
  all.finish();
  return dialled;
}

TEST_CASE("a domain that a relay does not relay to is kept away from it, and nobody else") {
  Deliveries all;
  CHECK(send_to_domain(all, "other.example", true));
  CHECK_FALSE(send_to_domain(all, "Other.Example", false));
  CHECK(send_to_domain(all, "good.example", false));
  CHECK_FALSE(all.state(kFirstRelay).health.down());
  CHECK(all.state(kFirstRelay).endpoints.empty());
  CHECK(all.changes.empty());
  all.clock += 10min;
  CHECK(send_to_domain(all, "other.example", false));
  CHECK(send_to_domain(all, "other.example", false));
}

TEST_CASE("one message to such a domain, tried again for five days, takes the relay from no other domain") {
  Deliveries all;
  for (int retry = 0; retry < 100; ++retry) {
    send_to_domain(all, "other.example", true, "DENIED");
    REQUIRE(send_to_domain(all, "good.example", false));
    all.clock += 70min;
  }
  CHECK(all.changes.empty());
}

TEST_CASE("a relay rests when it relays to none of several domains, with no acceptance in between") {
  Deliveries all;
  send_to_domain(all, "one.example", true);
  send_to_domain(all, "two.example", true);
  CHECK(send_to_domain(all, "good.example", false));
  send_to_domain(all, "three.example", true);
  send_to_domain(all, "four.example", true);
  CHECK_FALSE(all.state(kFirstRelay).health.down());
  send_to_domain(all, "five.example", true);
  CHECK(all.state(kFirstRelay).health.outage.value().cause == Cause::RelayingDenied);
  CHECK_FALSE(send_to_domain(all, "good.example", false));
  all.clock += 20min;
  CHECK(send_to_domain(all, "good.example", false));
  CHECK_FALSE(all.state(kFirstRelay).health.down());
}

TEST_CASE("of several recipients those domains count that were refused") {
  Deliveries all;
  Flow& flow = all.next();
  flow.envelope.recipients = {*parse_address("a@good.example"), *parse_address("b@other.example")};
  flow.first().says("RCPT", "250 2.1.5 Ok");
  flow.first().says("RCPT", "554 5.7.1 <b@other.example>: Relay access denied");
  flow.second();
  flow.run();
  all.finish();
  CHECK(send_to_domain(all, "good.example", false));
  CHECK_FALSE(send_to_domain(all, "other.example", false));
}

TEST_CASE("a session that the relay ends while the message still comes is opened again, and nobody is blamed") {
  Deliveries all;
  Flow& flow = all.next();
  flow.first().breaks_at(20s);
  flow.second();
  flow.message_at(60s);
  CHECK_THAT(flow.run(), StartsWith(kByFirst));
  CHECK(flow.first().dialled == Times{0s, 60s});
  CHECK(flow.second().dialled.empty());
  all.finish();
  CHECK_FALSE(all.state(kFirstRelay).health.down());
  CHECK(all.state(kFirstRelay).health.doubts.empty());
  CHECK(all.state(kFirstRelay).endpoints.empty());
}

TEST_CASE("a relay that closes each session before MAIL is left for the next one") {
  Deliveries all;
  Flow& flow = all.next();
  flow.first().breaks_at(20s);
  flow.first().closes_at("MAIL");
  flow.second();
  flow.message_at(60s);
  CHECK_THAT(flow.run(), StartsWith(kBySecond));
  CHECK(flow.first().dialled == Times{0s, 60s});
}

TEST_CASE("our own trouble and what is said of the message leave a relay's health alone") {
  const int what = GENERATE(range(0, 5));
  CAPTURE(what);
  Deliveries all;
  Flow& flow = all.next();
  switch (what) {
    case 0: flow.first().fails({Stage::Auth, SessionError::NoCredentials, "no file"}); break;
    case 1: flow.first().fails({Stage::Connect, SessionError::Misconfigured, "no CA file"}); break;
    case 2: flow.first().fails({Stage::Connect, SessionError::Local, "too many open files"}); break;
    case 3: flow.first().says("RCPT", "450 4.2.0 greylisted, please come back"); break;
    case 4: flow.first().says("RCPT", "550 5.1.1 no such user"); break;
  }
  flow.second();
  flow.run();
  all.finish();
  CHECK_FALSE(all.state(kFirstRelay).health.down());
  CHECK(all.state(kFirstRelay).health.looks.empty());
  CHECK(all.changes.empty());
}

TEST_CASE("whoever is interrupted does not blame the relays it was waiting for; the deadline does") {
  const int how = GENERATE(range(0, 4));
  CAPTURE(how);
  Deliveries all(kFirstRelay);
  Flow& flow = all.next();
  flow.services.run_settings.deadline = 10s;
  flow.first().silent_at(Stage::Connect);
  flow.message_at(how == 2 ? 5s : 0s, how == 2 ? "cut" : kContent);
  if (how == 2) flow.envelope.announced_size = 100000;
  if (how == 0) flow.caller_becomes(Parent::State::Gone, 5s);
  if (how == 1) flow.caller_becomes(Parent::State::Terminating, 5s);
  CHECK_THAT(flow.run(), StartsWith("deferred 4."));
  CHECK(flow.services.timeline.elapsed() == (how == 3 ? 10s : 5s));
  all.finish();
  CHECK(all.state(kFirstRelay).health.down() == (how == 3));
  CHECK(all.state(kFirstRelay).health.looks.empty());
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

TEST_CASE("a suspended relay is skipped, and all of them suspended defer") {
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
  CHECK(all.flow->services.store.records.empty());
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
