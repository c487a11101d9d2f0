#include "state/state_record.h"

#include "base/hash.h"
#include "base/random.h"
#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

const WallTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + 10h;

RelayState full() {
  RelayState state;
  Health& health = state.health;
  health.stamp = kNow;
  health.outage = Outage{.cause = Cause::Quota,
                         .since = kNow - 1h,
                         .failed = kNow - 10min,
                         .until = kNow + 1h,
                         .failures = 3,
                         .stamps = {UINT64_MAX, 5},
                         .words = "454 4.7.0 Throttling failure: Daily message quota exceeded",
                         .message = 17};
  health.looks = {{{4711}, kNow - 1s, kNow + 1s}, {{4712}, kNow, kNow + 2s}};
  health.suspicion = Suspicion{.attempts = 2, .since = kNow - 3s, .last = kNow - 2s};
  health.proved = kNow - 5s;
  health.doubts = {{false, 17, 18, kNow - 1min}, {true, 19, UINT64_MAX, kNow}};
  health.suspended_until = kNow + 2h;
  health.one_by_one_until = kNow + 5h;
  health.certificate_end = kNow + 90 * 24h;
  health.ready = {12.5, 40};
  health.accepted = {3.25, 39};
  health.measured = kNow - 1s;
  health.successes = 123456789;
  Allowance& allowance = state.allowance;
  allowance.stamp = kNow;
  allowance.used = {{1, {{kNow - 2h, 5}, {kNow - 1h, 1}, {kNow, 70000}}, 0, 0}, {2, {}, 20779, 17}};
  allowance.holds = {{{1}, kNow - 1s, kNow + 15min, 1}, {{2}, kNow, kNow + 15min, 50}};
  endpoint_health(state, "192.0.2.1:587") = health;
  endpoint_health(state, "[2001:db8::1]:587").outage =
      Outage{.since = kNow, .failed = kNow, .until = kNow, .failures = 7};
  return state;
}

TEST_CASE("a record comes back as it was") {
  for (const RelayState& state : {RelayState(), full()}) {
    const std::string octets = pack(state);
    const auto back = unpack(octets);
    REQUIRE(back);
    CHECK(pack(*back) == octets);
    REQUIRE(back->health.outage.has_value() == state.health.outage.has_value());
    if (state.health.outage) {
      CHECK(back->health.outage->words == state.health.outage->words);
      CHECK(back->health.outage->until == state.health.outage->until);
      CHECK(back->health.outage->message == state.health.outage->message);
    }
    REQUIRE(back->health.suspicion.has_value() == state.health.suspicion.has_value());
    if (state.health.suspicion) {
      CHECK(back->health.suspicion->attempts == state.health.suspicion->attempts);
      CHECK(back->health.suspicion->since == state.health.suspicion->since);
      CHECK(back->health.suspicion->last == state.health.suspicion->last);
    }
    CHECK(back->health.proved == state.health.proved);
    CHECK(back->health.one_by_one_until == state.health.one_by_one_until);
    CHECK(back->health.certificate_end == state.health.certificate_end);
    CHECK(back->health.offers_dsn == state.health.offers_dsn);
    CHECK(back->health.measured == state.health.measured);
    CHECK(back->health.reset == state.health.reset);
    CHECK(back->health.doubts.size() == state.health.doubts.size());
    CHECK(back->health.ready.value == state.health.ready.value);
    CHECK(back->allowance.used.size() == state.allowance.used.size());
    CHECK(back->allowance.holds.size() == state.allowance.holds.size());
  }
  const auto back = unpack(pack(full()));
  REQUIRE(back->health.looks.size() == 2);
  CHECK(back->health.looks[0].owner == full().health.looks[0].owner);
  CHECK(back->health.looks[1].until == kNow + 2s);
  CHECK(back->health.outage.value().stamps.settings == 5);
  CHECK(back->allowance.used[0].counts[2].at == kNow);
  CHECK(back->allowance.used[0].counts[2].amount == 70000);
  CHECK(back->allowance.used[1].index == 20779);
  CHECK(back->allowance.holds[1].recipients == 50);
  REQUIRE(back->endpoints.size() == 2);
  CHECK(back->endpoints[0].address == "192.0.2.1:587");
  CHECK(back->endpoints[0].health.outage.value().until == full().health.outage->until);
  CHECK(back->endpoints[1].health.outage.value().failures == 7);
}

TEST_CASE("the octets of a record change only with its version") {
  const std::string octets = pack(full());
  CHECK(octets.size() == 608);
  CHECK(hash_octets(octets) == 0x4898C343D7F2D75A);
}

TEST_CASE("a record stays small") {
  RelayState state = full();
  state.allowance.used.assign(3, {7, {}, 0, 0});
  for (Used& used : state.allowance.used) {
    for (std::size_t i = 0; i < kCounts; ++i)
      used.counts.push_back({kNow + Span(static_cast<Span::rep>(i) * 900'000), 800});
  }
  CHECK(pack(state).size() < 2600);
}

TEST_CASE("a record of another version, cut off, or with more to it is absent") {
  const std::string octets = pack(full());
  CHECK_FALSE(unpack(""));
  CHECK_FALSE(unpack("\x01" + octets.substr(1)));
  CHECK_FALSE(unpack(octets + "x"));
  for (std::size_t size = 0; size < octets.size(); ++size)
    REQUIRE_FALSE(unpack(octets.substr(0, size)));
}

TEST_CASE("whatever octets are read, nothing breaks and every time can be reckoned with") {
  Random random(7);
  const std::string octets = pack(full());
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string damaged = octets;
    for (std::uint64_t hits = 1 + random.below(3); hits > 0; --hits)
      damaged[random.below(damaged.size())] = static_cast<char>(random.next());
    const auto state = unpack(damaged);
    if (!state) continue;
    ++read;
    Health health = state->health;
    const WallTime now = settle(health, kNow);
    standing(health, now, {}, {}, [](const Owner&) { return true; });
    REQUIRE(unpack(pack(*state)));
  }
  CHECK(read > 100);
}

TEST_CASE("a relay without trouble and limits is forgotten first") {
  RelayState state;
  CHECK(useful_until(state, kNow) == kNow + 48h);
  state.allowance.used.push_back({});
  CHECK(useful_until(state, kNow) == kNow + 24h * 35);
  state = {};
  state.health.outage = Outage{.since = kNow, .failed = kNow, .until = kNow + 1h};
  CHECK(useful_until(state, kNow) == kNow + 1h + 24h * 35);
  state.health.suspended_until = kFarFuture;
  CHECK(useful_until(state, kNow) == kFarFuture);
}

TEST_CASE("keys are short whatever the names") {
  const std::string longest(4000, 'x');
  CHECK(relay_key("ses") == "relay/ses");
  CHECK(relay_key(longest).size() < 300);
  CHECK(relay_key(longest) != relay_key(longest + "y"));
  CHECK(sender_key(longest, longest).size() < 400);
  CHECK(sender_key("ses", "a@example.com") != sender_key("ses", "b@example.com"));
}

TEST_CASE("of a relay with many endpoints those are kept that changed last") {
  RelayState state;
  for (int i = 0; i < 40; ++i)
    endpoint_health(state, std::to_string(i)).stamp = kNow + Span(i);
  REQUIRE(state.endpoints.size() == kEndpoints);
  endpoint_health(state, "39").outage = Outage{.since = kNow, .failed = kNow, .until = kNow, .failures = 1};
  CHECK(state.endpoints.size() == kEndpoints);
  CHECK(state.endpoints.front().address == "24");
}

}  // namespace
}  // namespace relaypipe
