// A plan put into order by what is remembered, and whether a leg may be tried now.
#include "state/relay_history.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;
using Kind = Admission::Kind;

const WallTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 27) + 10h;
const Owner kUs{100};
const Owner kOther{200};

struct Bench {
  explicit Bench(std::size_t relays) {
    envelope.sender = *parse_sender("s@example.com");
    envelope.recipients.push_back(*parse_address("r@example.org"));
    for (std::size_t i = 0; i < relays; ++i) {
      Leg leg;
      leg.relay.name = std::string(1, static_cast<char>('a' + i));
      leg.tier = 1;
      plan.legs.push_back(std::move(leg));
      history.emplace_back();
    }
  }

  Context around() {
    return {kNow,
            kNow + 15min,
            envelope,
            2s,
            kUs,
            [this](const Owner& owner) { return owner != dead; },
            [](const std::string&, WallTime) { return 0s; },
            [](const Relay&) { return std::uint64_t{1}; },
            [](const Relay&) { return std::uint64_t{2}; }};
  }
  /// The names in their order, those without their own place after a bar.
  std::string order() {
    order_by_history(plan, history, around());
    std::string text;
    bool last = false;
    for (const Leg& leg : plan.legs) {
      if (leg.turn == Leg::Turn::Last && !std::exchange(last, true)) text += "|";
      text += leg.relay.name;
    }
    return text;
  }
  Leg& leg(char name) {
    return *std::find_if(plan.legs.begin(), plan.legs.end(), [&](const Leg& one) { return one.relay.name[0] == name; });
  }
  RelayHistory& of(char name) { return history[static_cast<std::size_t>(name - 'a')]; }
  Admission admit(char name, bool again = false, Span waited = {}) {
    return relaypipe::admit(of(name), leg(name), waited, again, around());
  }
  void cools_down(std::size_t leg, Span left, Cause cause = Cause::Network) {
    Health& health = history[leg].relay.health;
    health.stamp = kNow - 1s;
    health.outage = Outage{.cause = cause,
                           .since = kNow - 1s,
                           .failed = kNow - 1s,
                           .until = kNow + left,
                           .failures = 1,
                           .stamps = {1, 2},
                           .words = "it failed"};
  }
  void takes(std::size_t leg, Duration time) {
    Health& health = history[leg].relay.health;
    for (int i = 0; i < 5; ++i) {
      health.ready.add(0ms);
      health.accepted.add(time);
    }
    health.measured = kNow;
  }

  Envelope envelope;
  RoutePlan plan;
  std::vector<RelayHistory> history;
  Owner dead;
};

TEST_CASE("relays that may not be used stand behind all others, the one due soonest first") {
  Bench bench(5);
  bench.cools_down(0, 5min);
  bench.cools_down(2, 1min);
  bench.history[3].relay.health.suspended_until = kNow + 2min;
  CHECK(bench.order() == "be|cda");
  CHECK(bench.plan.legs[2].reason == "; cools down until 2026-11-27 10:01:00 UTC: it failed");
  CHECK(bench.plan.legs[3].reason == "; suspended until 2026-11-27 10:02:00 UTC");
  CHECK(bench.plan.legs[2].ask);
}

TEST_CASE("one whose rest is over keeps its place, and is probed by one") {
  Bench bench(2);
  bench.cools_down(0, 0s);
  CHECK(bench.order() == "ab");
  CHECK(bench.plan.legs[0].ask);
  CHECK(bench.admit('a').kind == Kind::Go);
  REQUIRE(bench.of('a').relay.health.looks.size() == 1);
  CHECK(bench.of('a').relay.health.looks[0].owner == kUs);
  CHECK(bench.of('a').relay.health.looks[0].until == kNow + 2s);
  CHECK(bench.admit('a').kind == Kind::Go);  // its own look is in nobody's way
  bench.of('a').relay.health.looks[0].owner = kOther;
  const Admission second = bench.admit('a');
  CHECK(second.kind == Kind::No);
  CHECK(second.why.why == Skipped::Why::Probing);
  Bench later(2);
  later.history = bench.history;
  CHECK(later.order() == "b|a");
  later.dead = kOther;
  CHECK(later.admit('a').kind == Kind::Go);
  REQUIRE(later.of('a').relay.health.looks.size() == 1);
  CHECK(later.of('a').relay.health.looks[0].owner == kUs);
}

TEST_CASE("a relay that is known and well is not asked about") {
  Bench bench(2);
  bench.takes(0, 10ms);
  bench.order();
  CHECK_FALSE(bench.plan.legs[0].ask);
  CHECK(bench.plan.legs[1].ask);
}

TEST_CASE("resting that other reasons have is not cut short, whoever asks") {
  const Cause cause = GENERATE(Cause::Auth, Cause::Quota, Cause::Rate, Cause::Account, Cause::Policy);
  Bench bench(1);
  bench.cools_down(0, 30min, cause);
  bench.history[0].relay.health.outage->failed = kNow - 20min;
  CHECK(bench.order() == "|a");
  const Admission admission = bench.admit('a');
  CHECK(admission.kind == Kind::No);
  CHECK(admission.why.why == Skipped::Why::CoolingDown);
  CHECK(admission.why.cause == cause);
  CHECK(admission.why.until == kNow + 30min);
}

TEST_CASE("only one that stands last is looked at early, and not before the shortest rest") {
  Bench bench(2);
  bench.cools_down(0, 5min);
  bench.order();
  CHECK(bench.admit('a').kind == Kind::No);
  bench.of('a').relay.health.outage->failed = kNow - 15s;
  Leg own = bench.leg('a');
  own.turn = Leg::Turn::Own;
  CHECK(relaypipe::admit(bench.of('a'), own, {}, false, bench.around()).kind == Kind::No);
  CHECK(bench.admit('a').kind == Kind::Go);
}

TEST_CASE("what this delivery has tried itself it may try again, but not what was suspended meanwhile") {
  Bench bench(1);
  bench.cools_down(0, 5min);
  CHECK(bench.admit('a', false).kind == Kind::No);
  CHECK(bench.admit('a', true).kind == Kind::Go);
  bench.history[0].relay.health.suspended_until = kNow + 1h;
  const Admission suspended = bench.admit('a', true);
  CHECK(suspended.kind == Kind::No);
  CHECK(suspended.why.why == Skipped::Why::Suspended);
  CHECK(suspended.why.words.empty());
}

TEST_CASE("a relay that refused this sender stands last, and is not asked again for it") {
  Bench bench(2);
  Health& health = bench.history[0].with_sender;
  health.stamp = kNow - 1s;
  health.outage = Outage{.cause = Cause::SenderNotAllowed,
                         .since = kNow - 1s,
                         .failed = kNow - 1s,
                         .until = kNow + 30min,
                         .stamps = {1, 2},
                         .words = "553 not yours"};
  CHECK(bench.order() == "b|a");
  CHECK(bench.plan.legs[1].reason == "; did not take this sender: 553 not yours");
  CHECK(bench.plan.legs[1].due == kNow + 30min);
  const Admission no = bench.admit('a');
  CHECK(no.kind == Kind::No);
  CHECK(no.why.why == Skipped::Why::SenderNotTaken);
  CHECK(no.why.until == kNow + 30min);
  CHECK(no.why.cause == Cause::SenderNotAllowed);
  CHECK(no.why.words == "553 not yours");
  CHECK(bench.admit('a', true).kind == Kind::Go);  // what this delivery has tried itself
  health.outage->until = kNow;
  CHECK(bench.admit('a').kind == Kind::Go);
}

TEST_CASE("limits: taken with Go only, asked for again at the time, or not within max_wait") {
  Bench bench(1);
  Limits& limits = bench.plan.legs[0].relay.limits;
  limits.rules.push_back({true, 1, Counted::Messages, Period::Rolling, 1s, "", "1/s"});
  CHECK(bench.admit('a').kind == Kind::Go);
  CHECK(bench.history[0].relay.allowance.holds.size() == 1);
  const Admission later = bench.admit('a');
  CHECK(later.kind == Kind::Later);
  CHECK(later.at == kNow + 1s);
  CHECK(bench.history[0].relay.allowance.holds.size() == 1);
  const Admission no = bench.admit('a', false, 1500ms);
  CHECK(no.kind == Kind::No);
  CHECK(no.why.why == Skipped::Why::Exhausted);
  CHECK(no.why.until == kNow + 1s);
  CHECK(no.why.words == "rate 1/s");
}

TEST_CASE("a claim that never fits goes to the end, and says so") {
  Bench bench(2);
  bench.envelope.recipients.push_back(*parse_address("other@example.org"));
  bench.plan.legs[0].relay.limits.rules.push_back(
      {false, 1, Counted::Recipients, Period::Rolling, 24h, "", "1 recipient/day"});
  CHECK(bench.order() == "b|a");
  CHECK(bench.plan.legs[1].reason == "; quota 1 recipient/day used up until further notice");
}

TEST_CASE("slow relays stand behind their tier, in their order, and in no other tier") {
  Bench bench(5);
  bench.plan.legs[4].tier = 2;
  for (const std::size_t leg : {0U, 2U, 4U})
    bench.takes(leg, 5s);
  for (const std::size_t leg : {1U, 3U})
    bench.takes(leg, 100ms);
  SECTION("by the factor") { CHECK(bench.order() == "bdace"); }
  SECTION("never with factor 0") {
    RelaySettings never;
    never.slow_factor = 0;
    for (Leg& leg : bench.plan.legs)
      leg.relay.settings = &never;
    CHECK(bench.order() == "abcde");
  }
  SECTION("not where the fast ones rest") {
    bench.cools_down(1, 1min);
    bench.cools_down(3, 1min);
    CHECK(bench.order() == "ace|bd");
  }
}

/// So many other processes look at the first relay, since when, without progress from when on.
void looked_at(Bench& bench, std::uint32_t many, Span since, Span hangs) {
  for (std::uint32_t i = 0; i < many; ++i) {
    const Look look{.owner = {200 + i}, .since = kNow - since, .until = kNow + hangs};
    take_look(bench.history[0].relay.health.looks, look, [](const Owner&) { return true; });
  }
}

TEST_CASE("whoever is not among the first at an unknown relay waits for what they find, and keeps it in its place") {
  Bench bench(2);
  SECTION("a few may look at once") {
    looked_at(bench, 2, 1s, 1s);
    CHECK(bench.order() == "ab");
    CHECK(bench.admit('a').kind == Kind::Go);
    CHECK(bench.of('a').relay.health.looks.size() == 3);
  }
  SECTION("the others wait, whatever max_wait says") {
    looked_at(bench, 3, 1s, 1s);
    CHECK(bench.order() == "ab");
    CHECK(bench.plan.legs[0].ask);
    const Admission later = bench.admit('a', false, 10s);
    CHECK(later.kind == Kind::Later);
    CHECK(later.at == kNow + 100ms);
    CHECK(bench.of('a').relay.health.looks.size() == 3);
  }
  SECTION("none of them makes progress: it is skipped") {
    looked_at(bench, 3, 3s, 0s);
    CHECK(bench.order() == "b|a");
    CHECK(bench.plan.legs[1].reason == "; other deliveries wait for it in vain");
    const Admission no = bench.admit('a');
    CHECK(no.kind == Kind::No);
    CHECK(no.why.why == Skipped::Why::Probing);
    CHECK(no.why.until == kNow + 12s);
  }
}

TEST_CASE("with nothing else left whoever does not probe waits for the one that does, up to max_wait") {
  const auto rests_and_is_probed = [](Bench& bench, std::size_t relay) {
    bench.cools_down(relay, 0s);
    const Look look{.owner = kOther, .since = kNow, .until = kNow + 1s};
    take_look(bench.history[relay].relay.health.looks, look, [](const Owner&) { return true; });
  };
  Bench bench(2);
  rests_and_is_probed(bench, 0);
  SECTION("the other relay is well") {
    CHECK(bench.order() == "b|a");
    Leg own = bench.leg('a');
    own.turn = Leg::Turn::Own;  // as it was when the plan was made, before another one took the probe
    CHECK(relaypipe::admit(bench.of('a'), own, {}, false, bench.around()).kind == Kind::No);
  }
  SECTION("the other one rests as well") {
    bench.cools_down(1, 5min);
    CHECK(bench.order() == "|ab");
    CHECK(bench.admit('a').kind == Kind::Later);
    CHECK(bench.admit('a', false, 1900ms).kind == Kind::Later);
    CHECK(bench.admit('a', false, 1901ms).kind == Kind::No);
  }
  SECTION("it was due when the plan was made, and is the only one") {
    Bench due(2);
    due.cools_down(0, 0s);
    due.cools_down(1, 5min);
    CHECK(due.order() == "a|b");
    CHECK(due.plan.legs[0].alone);
    rests_and_is_probed(due, 0);
    CHECK(due.admit('a').kind == Kind::Later);
  }
}

}  // namespace
}  // namespace relaypipe
