// Rates, quotas and connections over all processes, as one delivery sees them.
#include "catch.h"
#include "flow/history_flow.h"
#include "relay/limits.h"

namespace relaypipe::flow {
namespace {

using Catch::Matchers::StartsWith;
using Times = std::vector<Duration>;

const char* const kByFirst = "delivered 2.0.0 192.0.2.1[192.0.2.1]:587: 250 ";
const char* const kBySecond = "delivered 2.0.0 192.0.2.2[192.0.2.2]:587: 250 ";

LimitRule rule(std::uint64_t count, Span window, bool is_rate = false, Counted counted = Counted::Messages) {
  return {is_rate, count, counted, Period::Rolling, window, "", fmt::format("{}/{}s", count, window / 1s)};
}

/// The limits of both relays.
Deliveries limited(Limits limits, std::string nexthop = kTwo) {
  Deliveries all(std::move(nexthop));
  all.limits = std::move(limits);
  return all;
}

std::string send(Deliveries& all) {
  Flow& flow = all.next();
  flow.first();
  flow.second();
  std::string result = flow.run();
  all.finish();
  return result;
}

/// Another process that runs holds so many places of the first relay.
void held_by_another(Deliveries& all, int places) {
  all.finish();
  RelayState state = all.state(kFirstRelay);
  for (int i = 0; i < places; ++i)
    take(state.allowance, all.limits, {{50}, all.now() + 15min, 1, false}, all.now());
  all.records[relay_key(kFirstRelay)] = {pack(state), all.now() + 24h};
}

TEST_CASE("what a quota allows goes over its relay, the rest over the next one") {
  Deliveries all = limited({{rule(2, 24h)}, 0, {}});
  CHECK_THAT(send(all), StartsWith(kByFirst));
  CHECK_THAT(send(all), StartsWith(kByFirst));
  CHECK_THAT(send(all), StartsWith(kBySecond));
  CHECK_THAT(send(all), StartsWith(kBySecond));
  CHECK(
      send(all) ==
      "deferred 4.3.2 delivery temporarily suspended, [192.0.2.1]:587 has its limit used up until 2026-11-28 00:00:00 "
      "UTC: quota 2/86400s; tried [192.0.2.2]:587: has its limit used up until 2026-11-28 00:00:00 UTC");
  CHECK(all.changes.empty());
  all.clock += 24h;
  CHECK_THAT(send(all), StartsWith(kByFirst));
}

TEST_CASE("what was not accepted is given back") {
  const int how = GENERATE(range(0, 5));
  CAPTURE(how);
  Deliveries all = limited({{rule(1, 24h), rule(1, 10s, true)}, 1, {}}, kFirstRelay);
  Flow& flow = all.next();
  switch (how) {
    case 0: flow.first().refused(); break;
    case 1: flow.first().says("RCPT", "450 4.2.0 greylisted, please come back"); break;
    case 2: flow.first().says("RCPT", "550 5.1.1 no such user"); break;
    case 3: flow.first().fails({Stage::Auth, SessionError::NoCredentials, "no file"}); break;
    case 4:
      flow.first().silent_at(Stage::Greeting);
      flow.caller_becomes(Parent::State::Terminating, 1s);
      break;
  }
  CHECK_THAT(flow.run(), !StartsWith("delivered"));
  all.finish();
  const RelayState state = all.state(kFirstRelay);
  CHECK(state.allowance.holds.empty());
  for (const LimitRule& one : all.limits.rules)
    CHECK(amount_used(state.allowance, one) == 0);
  // The process that held it counts as running still: nothing of it is in the way.
  all.ended.clear();
  if (how == 0) all.clock += 15s;
  CHECK_THAT(send(all), StartsWith(kByFirst));
  CHECK(all.state(kFirstRelay).allowance.holds.empty());
}

TEST_CASE("a message to a relay with a place is given it before the relay is dialled") {
  Deliveries all = limited({{rule(5, 24h)}, 2, {}}, kFirstRelay);
  Flow& flow = all.next();
  flow.first().ready_after(1s);
  std::size_t during = 0;
  flow.services.timeline.at(500ms, [&] { during = all.state(kFirstRelay).allowance.holds.size(); });
  CHECK_THAT(flow.run(), StartsWith(kByFirst));
  CHECK(during == 1);
}

TEST_CASE("a place that is free soon is waited for, exactly so long") {
  Deliveries all = limited({{rule(1, 1s, true)}, 0, {}}, kFirstRelay);
  CHECK_THAT(send(all), StartsWith(kByFirst));
  Flow& flow = all.next();
  flow.first();
  CHECK_THAT(flow.run(), StartsWith(kByFirst));
  CHECK(flow.first().dialled == Times{1s});
}

TEST_CASE("a place that is not free within max_wait is not waited for") {
  Deliveries all = limited({{rule(1, 3s, true)}, 0, {}});
  CHECK_THAT(send(all), StartsWith(kByFirst));
  CHECK_THAT(send(all), StartsWith(kBySecond));
  CHECK(all.clock == 0ms);
  CHECK(
      send(all) ==
      "deferred 4.3.2 delivery temporarily suspended, [192.0.2.1]:587 has its limit used up until 2026-11-27 00:00:03 "
      "UTC: rate 1/3s; tried [192.0.2.2]:587: has its limit used up until 2026-11-27 00:00:03 UTC");
  CHECK(all.clock == 0ms);
  all.run_settings.max_wait = 3s;
  CHECK_THAT(send(all), StartsWith(kByFirst));
  CHECK(all.clock == 3s);
}

TEST_CASE("connections: waited for, then the next relay; those of dead processes are free") {
  Deliveries all = limited({{}, 1, {}});
  held_by_another(all, 1);
  {
    Flow& flow = all.next();
    flow.first();
    flow.second();
    CHECK_THAT(flow.run(), StartsWith(kBySecond));
    CHECK(flow.second().dialled == Times{2s});
    CHECK_THAT(flow.delivered.verdicts.front().text, contains("has its limit used up"));
  }
  all.ended.insert(50);
  CHECK_THAT(send(all), StartsWith(kByFirst));
}

TEST_CASE("a connection that is given back while it is waited for") {
  Deliveries all = limited({{}, 1, {}}, kFirstRelay);
  held_by_another(all, 1);
  Flow& flow = all.next();
  flow.first();
  flow.services.timeline.at(700ms, [&] { flow.services.dead.insert(50); });
  CHECK_THAT(flow.run(), StartsWith(kByFirst));
  CHECK(flow.first().dialled == Times{1s});
}

TEST_CASE("the last part of a quota is for some senders") {
  Limits limits{{rule(10, 24h)}, 0, {20, {*parse_address_pattern("@alerts.example.com")}}};
  Deliveries all = limited(limits, kFirstRelay);
  for (int i = 0; i < 8; ++i)
    CHECK_THAT(send(all), StartsWith(kByFirst));
  CHECK_THAT(send(all), StartsWith("deferred 4.3.2"));
  for (const bool fits : {true, true, false}) {
    Flow& flow = all.next();
    flow.first();
    flow.envelope.sender = *parse_sender("disk@alerts.example.com");
    CHECK_THAT(flow.run(), StartsWith(fits ? "delivered" : "deferred 4.3.2"));
  }
}

TEST_CASE("recipients are counted where the quota counts them") {
  Deliveries all = limited({{rule(3, 24h, false, Counted::Recipients)}, 0, {}}, kFirstRelay);
  const auto send_two = [&] {
    Flow& flow = all.next();
    flow.envelope.recipients.push_back(*parse_address("other@example.org"));
    flow.first();
    return flow.run();
  };
  CHECK_THAT(send_two(), StartsWith("delivered"));
  CHECK_THAT(send_two(), StartsWith("deferred 4.3.2"));
  CHECK_THAT(send(all), StartsWith("delivered"));
  CHECK_THAT(send(all), StartsWith("deferred 4.3.2"));
}

TEST_CASE("where each recipient has a result of its own, those that were accepted are counted") {
  Deliveries all = limited({{rule(3, 24h, false, Counted::Recipients)}, 0, {}}, kFirstRelay);
  Flow& flow = all.next();
  flow.envelope.recipients.push_back(*parse_address("other@example.org"));
  flow.envelope.recipients.push_back(*parse_address("third@example.org"));
  flow.first().says("RCPT", "250 ok").says("RCPT", "550 5.1.1 no such user").says("RCPT", "250 ok");
  REQUIRE(flow.run_for_each().size() == 3);
  CHECK_THAT(send(all), StartsWith("delivered"));
  CHECK_THAT(send(all), StartsWith("deferred 4.3.2"));
}

TEST_CASE("a leg that lost the race gives its place back at once, and asks anew before it is tried") {
  Deliveries all = limited({{}, 1, {}});
  Flow& flow = all.next();
  flow.settings.patience = 1s;
  flow.first().ready_after(1500ms);
  flow.second().ready_after(100ms);
  // The winner's transaction takes its time and settles nothing.
  flow.second().says("RCPT", "450 4.2.0 greylisted, please come back", 20s);
  std::vector<std::size_t> holds;
  const auto look = [&] {
    holds.push_back(all.state(kFirstRelay).allowance.holds.size());
    holds.push_back(all.state(kSecondRelay).allowance.holds.size());
  };
  flow.services.timeline.at(1050ms, look);
  flow.services.timeline.at(2s, look);
  flow.services.timeline.at(22s, look);
  CHECK_THAT(flow.run(), StartsWith(kByFirst));
  CHECK(holds == std::vector<std::size_t>{1, 1, 0, 1, 1, 0});
  CHECK(flow.first().dialled.size() == 2);
  all.finish();
  CHECK(all.state(kFirstRelay).allowance.holds.empty());
}

TEST_CASE("a leg that lost the race and whose place another took meanwhile is not tried") {
  Deliveries all = limited({{}, 1, {}});
  Flow& flow = all.next();
  flow.settings.patience = 1s;
  flow.first().ready_after(1500ms);
  flow.second().ready_after(100ms);
  flow.second().says("RCPT", "450 4.2.0 greylisted, please come back", 20s);
  flow.services.timeline.at(10s, [&] {
    RelayState state = all.state(kFirstRelay);
    take(state.allowance, all.limits, {{50}, all.now() + 15min, 1, false}, all.now() + 10s);
    flow.services.store.records[relay_key(kFirstRelay)] = {pack(state), all.now() + 24h};
  });
  CHECK_THAT(flow.run(), StartsWith("deferred 4.2.0"));
  CHECK(flow.first().dialled.size() == 1);
  all.finish();
  CHECK(all.state(kFirstRelay).allowance.holds.size() == 1);
}

TEST_CASE("a place is free as soon as the attempt has ended, not when the next relay's has") {
  Deliveries all = limited({{}, 1, {}});
  Flow& flow = all.next();
  flow.first().says("RCPT", "450 4.2.0 greylisted, please come back");
  flow.second().says(".", "250 2.0.0 Ok", 20s);
  std::size_t during = 9;
  flow.services.timeline.at(10s, [&] { during = all.state(kFirstRelay).allowance.holds.size(); });
  CHECK_THAT(flow.run(), StartsWith(kBySecond));
  CHECK(during == 0);
}

TEST_CASE("a second host of a relay is dialled with the place the first one had") {
  Deliveries all = limited({{rule(5, 24h)}, 1, {}}, "example.net");
  Flow& flow = all.next();
  flow.settings.ip = IpVersion::V4;
  flow.services.resolver.mx("example.net", {{10, "mx1.example.net"}, {20, "mx2.example.net"}});
  flow.services.resolver.addresses("mx1.example.net", {"192.0.2.1"});
  flow.services.resolver.addresses("mx2.example.net", {"192.0.2.2"});
  flow.relay("192.0.2.1:25").says("RCPT", "450 4.2.0 greylisted, please come back");
  flow.relay("192.0.2.2:25").ready_after(1s);
  std::size_t during = 0;
  flow.services.timeline.at(500ms, [&] { during = all.state("example.net").allowance.holds.size(); });
  CHECK_THAT(flow.run(), StartsWith("delivered"));
  CHECK(during == 1);
  all.finish();
  CHECK(all.state("example.net").allowance.holds.empty());
  CHECK(amount_used(all.state("example.net").allowance, all.limits.rules[0]) == 1);
}

TEST_CASE("a relay whose first address is silent keeps its place while the second one works") {
  Deliveries all = limited({{}, 1, {}}, "[mail.example]:587");
  Flow& flow = all.next();
  flow.settings.ip = IpVersion::V4;
  flow.services.resolver.addresses("mail.example", {"192.0.2.2", "192.0.2.1"});
  flow.first().silent_at(Stage::Connect);
  flow.second().says(".", "250 2.0.0 Ok", 1min);
  std::size_t during = 0;
  flow.services.timeline.at(30s, [&] { during = all.state(flow.plan.legs[0].relay.name).allowance.holds.size(); });
  CHECK_THAT(flow.run(), StartsWith("delivered"));
  CHECK(flow.second().dialled == Times{250ms});
  CHECK(during == 1);
}

}  // namespace
}  // namespace relaypipe::flow
