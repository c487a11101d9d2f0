#include "state/health_event.h"

#include <set>
#include <utility>
#include <vector>

#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;
using Kind = Standing::Kind;

const WallTime kStart = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + 10h + 20min;
const CoolDown kBounds;
const Owner kUs{100};
const Owner kOther{200};

bool all_alive(const Owner&) { return true; }
bool none_alive(const Owner&) { return false; }

HealthEvent failure(Cause cause, WallTime began, Until until = {}) {
  HealthEvent event;
  event.kind = HealthEvent::Kind::Failed;
  event.began = began;
  event.cause = cause;
  event.until = until;
  event.words = "it failed";
  return event;
}

HealthEvent showing(HealthEvent::Kind kind, WallTime began) {
  HealthEvent event;
  event.kind = kind;
  event.began = began;
  return event;
}

Standing standing_of(const Health& health, WallTime now, const Alive& alive = all_alive) {
  return standing(health, now, {}, kBounds, alive);
}

/// Fails it, probes as soon as that is due, and fails again, so often; how long it rested each time.
std::vector<Span> rests(Cause cause, int times) {
  Health health;
  WallTime now = kStart;
  std::vector<Span> all;
  for (int i = 0; i < times; ++i) {
    apply(health, failure(cause, now), kUs, kBounds, now);
    all.push_back(health.outage.value().until - now);
    now = health.outage.value().until;
  }
  return all;
}

TEST_CASE("a relay that nothing is known of is well") {
  CHECK(standing_of({}, kStart).kind == Kind::Up);
  Health health;
  CHECK_FALSE(apply(health, showing(HealthEvent::Kind::Accepted, kStart), kUs, kBounds, kStart + 1s));
  CHECK(standing_of(health, kStart + 1s).kind == Kind::Up);
}

TEST_CASE("connect trouble rests 15 seconds, doubling to ten minutes") {
  CHECK(rests(Cause::Network, 8) == std::vector<Span>{15s, 30s, 60s, 120s, 240s, 480s, 600s, 600s});
  CHECK(rests(Cause::Tls, 2) == std::vector<Span>{15s, 30s});
  CHECK(rests(Cause::Rate, 3) == std::vector<Span>{5s, 10s, 20s});
  CHECK(rests(Cause::Auth, 3) == std::vector<Span>{1h, 1h, 1h});
  CHECK(rests(Cause::Quota, 2) == std::vector<Span>{1h, 1h});
  CHECK(rests(Cause::Policy, 5) == std::vector<Span>{10min, 20min, 40min, 60min, 60min});
}

TEST_CASE("a reply that names the time is believed, within reason") {
  struct Row {
    Until until;
    WallTime end;
  };
  const Row row = GENERATE(Row{{Until::Kind::After, 90s}, kStart + 90s}, Row{{Until::Kind::After, 0s}, kStart + 1s},
                           Row{{Until::Kind::After, 24h * 3000}, kStart + std::chrono::days(31)},
                           Row{{Until::Kind::UtcMidnight, {}}, kStart - 10h - 20min + 24h},
                           Row{{Until::Kind::NextHour, {}}, kStart + 40min});
  Health health;
  apply(health, failure(Cause::Quota, kStart - 1s, row.until), kUs, kBounds, kStart);
  CHECK(standing_of(health, kStart).kind == Kind::CoolingDown);
  CHECK(standing_of(health, kStart).until == row.end);
  CHECK(standing_of(health, row.end - 1ms).kind == Kind::CoolingDown);
  CHECK(standing_of(health, row.end).kind == Kind::Due);
}

TEST_CASE("attempts that ran side by side meet one failure") {
  Health health;
  CHECK(apply(health, failure(Cause::Network, kStart), kUs, kBounds, kStart + 1s));
  for (int i = 0; i < 50; ++i)
    CHECK_FALSE(apply(health, failure(Cause::Network, kStart + Span(i * 10)), kOther, kBounds, kStart + 2s));
  CHECK(health.outage.value().failures == 1);
  CHECK(health.outage.value().until == kStart + 16s);
  // Another cause among them that keeps it down longer counts.
  apply(health, failure(Cause::Quota, kStart), kOther, kBounds, kStart + 3s);
  CHECK(health.outage.value().cause == Cause::Quota);
  CHECK(health.outage.value().until == kStart + 3s + 1h);
}

HealthEvent superseded(WallTime began) {
  HealthEvent event = showing(HealthEvent::Kind::Superseded, began);
  event.cause = Cause::Network;
  event.full_patience = false;
  event.patience = 2s;
  event.words = "not ready in time";
  return event;
}

Health known() {
  Health health;
  HealthEvent event = showing(HealthEvent::Kind::Ready, kStart - 1min);
  event.ready = 20ms;
  apply(health, event, kUs, kBounds, kStart - 1min);
  return health;
}

std::uint32_t suspicions(const Health& health) { return health.suspicion ? health.suspicion->attempts : 0; }

TEST_CASE("a pause that many deliveries meet at the same time is one suspicion") {
  Health health = known();
  // Twenty began before any of them was late, and each place that is free again is taken at once, for 0.6 s.
  for (int i = 0; i < 20; ++i)
    apply(health, superseded(kStart + Span(i)), kOther, kBounds, kStart + 330ms + Span(i));
  CHECK(suspicions(health) == 1);
  for (int i = 0; i < 20; ++i)
    CHECK_FALSE(apply(health, superseded(kStart + 350ms + Span(i)), kOther, kBounds, kStart + 680ms + Span(i)));
  CHECK(standing_of(health, kStart + 700ms).kind == Kind::Up);
  CHECK(suspicions(health) == 2);
  apply(health, showing(HealthEvent::Kind::Ready, kStart + 600ms), kOther, kBounds, kStart + 710ms);
  CHECK_FALSE(health.suspicion);
}

TEST_CASE("suspicions are a failure when there were three in a row, and they lasted as long as the whole patience") {
  struct Row {
    std::vector<Span> began;  // each is known 300 ms later
    bool failed;
  };
  const Row row = GENERATE(Row{{0ms, 1s}, false}, Row{{0ms, 1min, 2min}, true}, Row{{0ms, 350ms, 700ms}, false},
                           Row{{0ms, 400ms, 800ms, 1200ms}, false}, Row{{0ms, 400ms, 800ms, 1200ms, 1700ms}, true},
                           Row{{0ms, 100ms, 200ms, 1900ms}, false}, Row{{0ms, 300ms, 1700ms}, true});
  Health health = known();
  bool failed = false;
  for (const Span began : row.began)
    failed = apply(health, superseded(kStart + began), kUs, kBounds, kStart + began + 300ms) || failed;
  CHECK(failed == row.failed);
  CHECK((standing_of(health, kStart + 3min).kind != Kind::Up) == row.failed);
}

TEST_CASE("an attempt that began before one that became ready says nothing of the relay") {
  Health health = known();
  apply(health, showing(HealthEvent::Kind::Ready, kStart + 10ms), kOther, kBounds, kStart + 30ms);
  SECTION("it was late") {
    HealthEvent late = superseded(kStart);
    late.full_patience = true;
    CHECK_FALSE(apply(health, late, kUs, kBounds, kStart + 3s));
  }
  SECTION("it hung until its time limit, and the relay has failed and come back meanwhile") {
    apply(health, failure(Cause::Network, kStart + 20s), kOther, kBounds, kStart + 20s);
    apply(health, showing(HealthEvent::Kind::Ready, kStart + 40s), kOther, kBounds, kStart + 40s);
    CHECK_FALSE(apply(health, failure(Cause::Network, kStart), kUs, kBounds, kStart + 5min));
  }
  CHECK(standing_of(health, kStart + 5min).kind == Kind::Up);
  CHECK_FALSE(health.suspicion);
  // What a relay says, it says now.
  CHECK(apply(health, failure(Cause::Quota, kStart), kUs, kBounds, kStart + 6min));
}

/// A sender of 0 is none that matters.
HealthEvent in_message(std::uint64_t message, std::uint64_t sender, WallTime began, bool hung = false) {
  HealthEvent event = failure(Cause::Network, began);
  event.transaction = FailedTransaction{.message = message, .sender = {}, .doubtful = true, .apart = hung};
  if (sender != 0) event.transaction->sender = sender;
  return event;
}

TEST_CASE("trouble in a transaction is the relay's when three messages of two senders met it in a row") {
  struct Row {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> met;  // message and sender, one minute apart; 0: one accepted
    bool failed;
  };
  const Row row =
      GENERATE(Row{{{1, 1}}, false}, Row{{{1, 1}, {1, 1}, {1, 1}, {1, 1}}, false}, Row{{{1, 1}, {2, 2}}, false},
               Row{{{1, 1}, {2, 2}, {3, 3}}, true}, Row{{{1, 1}, {2, 1}, {3, 2}}, true},
               Row{{{1, 1}, {2, 1}, {3, 1}}, false}, Row{{{1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}}, false},
               Row{{{1, 1}, {2, 1}, {3, 1}, {4, 2}}, true}, Row{{{1, 1}, {2, 2}, {0, 0}, {3, 3}}, false},
               Row{{{1, 0}, {2, 0}, {3, 0}}, true}, Row{{{1, 0}, {2, 0}, {2, 0}, {1, 0}}, false});
  Health health;
  WallTime now = kStart;
  bool failed = false;
  for (const auto& [message, sender] : row.met) {
    const HealthEvent event =
        message == 0 ? showing(HealthEvent::Kind::Accepted, now) : in_message(message, sender, now);
    failed = apply(health, event, kUs, kBounds, now + 1s) || failed;
    now += 1min;
  }
  CHECK(failed == row.failed);
}

TEST_CASE("connections that were cut at the same time are one doubt, each that hung is its own") {
  for (const bool hung : {false, true}) {
    Health health;
    for (std::uint64_t i = 1; i <= 20; ++i)
      apply(health, in_message(i, i, kStart + Span(i), hung), kUs, kBounds, kStart + 30s + Span(i));
    CHECK(health.down() == hung);
    if (hung) CHECK(health.outage.value().failures == 1);
  }
}

TEST_CASE("a doubt that is an hour old does not count") {
  Health health;
  apply(health, in_message(1, 1, kStart), kUs, kBounds, kStart);
  apply(health, in_message(2, 2, kStart + 1min), kUs, kBounds, kStart + 1min);
  CHECK_FALSE(apply(health, in_message(3, 3, kStart + 60min), kUs, kBounds, kStart + 60min));
  CHECK(health.doubts.size() == 2);
}

TEST_CASE("one process probes, and its probe ends with it") {
  Health health;
  apply(health, failure(Cause::Network, kStart), kUs, kBounds, kStart);
  const WallTime due = kStart + 15s;
  REQUIRE(standing_of(health, due).kind == Kind::Due);
  take_look(health.looks, {kOther, due, due + 2s}, all_alive);
  CHECK(standing_of(health, due + 1s).kind == Kind::Probing);
  CHECK(standing_of(health, due + 1s).until == due + 2s);
  CHECK(standing_of(health, due + 1s, none_alive).kind == Kind::Due);
  SECTION("success closes") {
    CHECK(apply(health, showing(HealthEvent::Kind::Ready, due), kOther, kBounds, due + 1s));
    CHECK(standing_of(health, due + 1s).kind == Kind::Up);
    CHECK_FALSE(health.down());
  }
  SECTION("failure doubles the rest") {
    CHECK_FALSE(apply(health, failure(Cause::Network, due), kOther, kBounds, due + 1s));
    CHECK(standing_of(health, due + 1s).kind == Kind::CoolingDown);
    CHECK(health.outage.value().until == due + 31s);
  }
  SECTION("nothing learned: the next one probes") {
    apply(health, showing(HealthEvent::Kind::Ended, due), kOther, kBounds, due + 1s);
    CHECK(standing_of(health, due + 1s).kind == Kind::Due);
  }
  SECTION("somebody else's end is not the prober's") {
    apply(health, showing(HealthEvent::Kind::Ended, due - 20s), kUs, kBounds, due + 1s);
    CHECK(standing_of(health, due + 1s).kind == Kind::Probing);
  }
}

TEST_CASE("a success that began before the failure says nothing about what came after") {
  Health health;
  apply(health, failure(Cause::Network, kStart + 4s), kUs, kBounds, kStart + 5s);
  CHECK_FALSE(apply(health, showing(HealthEvent::Kind::Accepted, kStart), kOther, kBounds, kStart + 6s));
  CHECK(standing_of(health, kStart + 6s).kind == Kind::CoolingDown);
}

TEST_CASE("a relay that loses commands sent together gets them one at a time for a day") {
  Health health;
  HealthEvent event = failure(Cause::Network, kStart);
  apply(health, event, kUs, kBounds, kStart);
  CHECK_FALSE(health.one_by_one_until);
  event.pipelined = true;
  event.transaction = FailedTransaction{.message = 1, .sender = {}, .doubtful = true};
  apply(health, event, kUs, kBounds, kStart + 1s);
  CHECK(health.one_by_one_until == kStart + 1s + 24h);
  SECTION("an acceptance without them says nothing of them") {
    apply(health, showing(HealthEvent::Kind::Accepted, kStart + 2s), kUs, kBounds, kStart + 3s);
    CHECK(health.one_by_one_until == kStart + 1s + 24h);
  }
  SECTION("a clock that is set back makes it no longer") {
    settle(health, kStart - 5h);
    CHECK(health.one_by_one_until == kStart - 5h + 24h);
  }
}

TEST_CASE("a session alone does not end a quota, an acceptance does") {
  const Cause cause = GENERATE(Cause::Quota, Cause::Rate, Cause::Account, Cause::Policy);
  Health health;
  apply(health, failure(cause, kStart), kUs, kBounds, kStart);
  const WallTime due = health.outage.value().until;
  CHECK_FALSE(apply(health, showing(HealthEvent::Kind::Ready, due), kUs, kBounds, due + 1s));
  CHECK(standing_of(health, due + 1s).kind == Kind::Due);
  CHECK(apply(health, showing(HealthEvent::Kind::Accepted, due), kUs, kBounds, due + 1s));
  CHECK(standing_of(health, due + 1s).kind == Kind::Up);
}

TEST_CASE("refused credentials rest an hour, or until somebody changes them") {
  Health health;
  HealthEvent event = failure(Cause::Auth, kStart, {Until::Kind::Credentials, {}});
  event.stamps.credentials = 7;
  apply(health, event, kUs, kBounds, kStart);
  CHECK(standing(health, kStart + 59min, {7, 0}, kBounds, all_alive).kind == Kind::CoolingDown);
  CHECK(standing(health, kStart + 1h, {7, 0}, kBounds, all_alive).kind == Kind::Due);
  CHECK(standing(health, kStart + 1min, {8, 0}, kBounds, all_alive).kind == Kind::Due);
  // New credentials are tried by one process too.
  take_look(health.looks, {kOther, kStart + 1min, kStart + 15min}, all_alive);
  CHECK(standing(health, kStart + 1min, {8, 0}, kBounds, all_alive).kind == Kind::Probing);
}

TEST_CASE("settings that were changed end a rest, whatever the cause") {
  const Cause cause = GENERATE(Cause::Network, Cause::Tls, Cause::Quota, Cause::Policy);
  Health health;
  HealthEvent event = failure(cause, kStart);
  event.stamps = {1, 7};
  apply(health, event, kUs, kBounds, kStart);
  CHECK(standing(health, kStart + 1s, {1, 7}, kBounds, all_alive).kind == Kind::CoolingDown);
  CHECK(standing(health, kStart + 1s, {2, 7}, kBounds, all_alive).kind == Kind::CoolingDown);
  CHECK(standing(health, kStart + 1s, {1, 8}, kBounds, all_alive).kind == Kind::Due);
  event.stamps = {1, 8};
  event.began = kStart + 2s;
  apply(health, event, kUs, kBounds, kStart + 2s);
  CHECK(standing(health, kStart + 3s, {1, 8}, kBounds, all_alive).kind == Kind::CoolingDown);
}

/// A process of its own for every number.
Owner process(std::uint32_t number) { return {1000 + number}; }

TEST_CASE("a look that makes no progress holds nobody, and one that makes some goes on") {
  Health health;
  apply(health, failure(Cause::Network, kStart), kUs, kBounds, kStart);
  const WallTime due = kStart + 15s;
  take_look(health.looks, {process(1), due, due + 2s}, all_alive);
  CHECK(standing_of(health, due + 1999ms).kind == Kind::Probing);
  keep_looking(health.looks, process(1), due + 3s);
  keep_looking(health.looks, process(2), due + 9s);  // has none
  CHECK(standing_of(health, due + 2999ms).kind == Kind::Probing);
  CHECK(standing_of(health, due + 3s).kind == Kind::Due);
  take_look(health.looks, {process(2), due + 3s, due + 5s}, all_alive);
  CHECK(standing_of(health, due + 4s).kind == Kind::Probing);
  // It was ready, so the relay is well; what the one that hangs will say is old.
  apply(health, showing(HealthEvent::Kind::Ready, due + 3s), process(2), kBounds, due + 4s);
  CHECK(standing_of(health, due + 4s).kind == Kind::Up);
  CHECK_FALSE(apply(health, failure(Cause::Network, due), process(1), kBounds, due + 5min));
  CHECK(standing_of(health, due + 5min).kind == Kind::Up);
}

/// Whoever may look does, as often as `every`, and hangs for five minutes; when each of them began.
std::vector<Span> looks_that_hang(Health& health, Span every) {
  std::vector<Span> began;
  for (Span at{}; at < 5min; at += every) {
    const Standing now = standing_of(health, kStart + at);
    if (now.kind != Kind::Due && !(now.kind == Kind::Up && now.unknown)) continue;
    take_look(health.looks, {process(static_cast<std::uint32_t>(began.size())), kStart + at, kStart + at + 2s},
              all_alive);
    began.push_back(at);
  }
  return began;
}

TEST_CASE("a silent relay takes few processes, however many ask") {
  Health health;
  SECTION("one that nothing is known of: a few at once") {
    CHECK(looks_that_hang(health, 100ms) ==
          std::vector<Span>{0s, 0s + 100ms, 200ms, 15200ms, 45200ms, 105200ms, 225200ms});
    CHECK(standing_of(health, kStart + 5min).kind == Kind::Hanging);
    CHECK(standing_of(health, kStart + 5min).unknown);
  }
  SECTION("one that was down: one after the other") {
    apply(health, failure(Cause::Network, kStart - 15s), kUs, kBounds, kStart - 15s);
    CHECK(looks_that_hang(health, 1s) == std::vector<Span>{0s, 2s, 4s, 19s, 49s, 109s, 229s});
  }
  // Those that have ended make room.
  CHECK(standing_of(health, kStart + 5min, none_alive).kind != Kind::Hanging);
}

TEST_CASE("with no other relay left, connect trouble is looked at early, but not refused credentials or a quota") {
  struct Row {
    Cause cause;
    bool early;
  };
  const Row row = GENERATE(Row{Cause::Network, true}, Row{Cause::Tls, true}, Row{Cause::Auth, false},
                           Row{Cause::Quota, false}, Row{Cause::Account, false});
  Health health;
  apply(health, failure(row.cause, kStart), kUs, kBounds, kStart);
  const WallTime due = health.outage.value().until;
  apply(health, failure(row.cause, due), kUs, kBounds, due);
  CHECK_FALSE(standing_of(health, due + 14s).early);
  CHECK(standing_of(health, due + 15s).kind == Kind::CoolingDown);
  CHECK(standing_of(health, due + 15s).early == row.early);
}

TEST_CASE("a clock that is set back lets nothing rest longer") {
  Health health;
  apply(health, failure(Cause::Network, kStart), kUs, kBounds, kStart);
  WallTime now = settle(health, kStart - 5h);
  CHECK(now == kStart - 5h);
  CHECK(standing_of(health, now).until == kStart - 5h + 15s);
  // A little is only another process's reading.
  now = settle(health, kStart - 5h - 5s);
  CHECK(now == kStart - 5h);
}

TEST_CASE("the administrator's suspension stands above everything") {
  Health health;
  health.suspended_until = kStart + 2h;
  CHECK(standing_of(health, kStart).kind == Kind::Suspended);
  apply(health, showing(HealthEvent::Kind::Accepted, kStart), kUs, kBounds, kStart);
  CHECK(standing_of(health, kStart).until == kStart + 2h);
  CHECK(standing_of(health, kStart + 2h).kind == Kind::Up);
}

TEST_CASE("a suspension under a wrong clock is as long as it was meant to be") {
  Health health;
  health.stamp = kStart;
  health.suspended_until = kStart + 2h;
  const WallTime right = kStart - std::chrono::days(90);
  CHECK(settle(health, right) == right);
  CHECK(health.suspended_until == right + 2h);
  health.stamp = kStart;
  health.suspended_until = kFarFuture;
  settle(health, right);
  CHECK(health.suspended_until == kFarFuture);
}

Health measured(Duration each, int samples, WallTime when) {
  Health health;
  for (int i = 0; i < samples; ++i) {
    HealthEvent event = showing(HealthEvent::Kind::Accepted, when);
    event.ready = each / 2;
    event.accepted = each / 2;
    apply(health, event, kUs, kBounds, when);
  }
  return health;
}

TEST_CASE("a relay much slower than its tier gives up its place") {
  struct Row {
    Duration own;
    int samples;
    bool slow;
  };
  const Row row = GENERATE(Row{5s, 5, true}, Row{5s, 4, false}, Row{900ms, 20, true}, Row{650ms, 20, false},
                           Row{250ms, 20, false}, Row{100ms, 20, false});
  const Health own = measured(row.own, row.samples, kStart);
  const Health other = measured(200ms, 10, kStart);
  const std::vector<const Health*> others{&other};
  CAPTURE(row.own.count());
  CHECK(much_slower(own, others, 4.0, kStart + 1min) == row.slow);
  CHECK_FALSE(much_slower(own, {}, 4.0, kStart + 1min));
  CHECK_FALSE(much_slower(own, others, 4.0, kStart + 11min));  // old: it gets another chance
}

TEST_CASE("a relay that rests is nobody's measure") {
  const Health own = measured(5s, 10, kStart);
  Health other = measured(200ms, 10, kStart);
  apply(other, failure(Cause::Network, kStart), kUs, kBounds, kStart + 1s);
  const std::vector<const Health*> others{&other};
  CHECK_FALSE(much_slower(own, others, 4.0, kStart + 1min));
}

}  // namespace
}  // namespace relaypipe
