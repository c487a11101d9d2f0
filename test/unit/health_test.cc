#include "route/health.h"

#include <set>

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
  return standing(health, now, 0, kBounds, alive);
}

/// Fails it, probes as soon as that is due, and fails again, so often; how long it rested each time.
std::vector<Span> rests(Cause cause, int times) {
  Health health;
  WallTime now = kStart;
  std::vector<Span> all;
  for (int i = 0; i < times; ++i) {
    learn(health, failure(cause, now), kUs, kBounds, now);
    all.push_back(health.until - now);
    now = health.until;
  }
  return all;
}

TEST_CASE("a relay that nothing is known of is well") {
  CHECK(standing_of({}, kStart).kind == Kind::Well);
  Health health;
  CHECK_FALSE(learn(health, showing(HealthEvent::Kind::Accepted, kStart), kUs, kBounds, kStart + 1s));
  CHECK(standing_of(health, kStart + 1s).kind == Kind::Well);
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
  learn(health, failure(Cause::Quota, kStart - 1s, row.until), kUs, kBounds, kStart);
  CHECK(standing_of(health, kStart).kind == Kind::Resting);
  CHECK(standing_of(health, kStart).until == row.end);
  CHECK(standing_of(health, row.end - 1ms).kind == Kind::Resting);
  CHECK(standing_of(health, row.end).kind == Kind::Due);
}

TEST_CASE("attempts that ran side by side meet one failure") {
  Health health;
  CHECK(learn(health, failure(Cause::Network, kStart), kUs, kBounds, kStart + 1s));
  for (int i = 0; i < 50; ++i)
    CHECK_FALSE(learn(health, failure(Cause::Network, kStart + Span(i * 10)), kOther, kBounds, kStart + 2s));
  CHECK(health.failures == 1);
  CHECK(health.until == kStart + 17s);
  // Another cause among them that keeps it down longer counts.
  learn(health, failure(Cause::Quota, kStart), kOther, kBounds, kStart + 3s);
  CHECK(health.cause == Cause::Quota);
  CHECK(health.until == kStart + 3s + 1h);
}

TEST_CASE("one process probes, and its probe ends with it") {
  Health health;
  learn(health, failure(Cause::Network, kStart), kUs, kBounds, kStart);
  const WallTime due = kStart + 15s;
  REQUIRE(standing_of(health, due).kind == Kind::Due);
  take_probe(health, kOther, due + 15min, due);
  CHECK(standing_of(health, due + 1s).kind == Kind::Probing);
  CHECK(standing_of(health, due + 1s, none_alive).kind == Kind::Due);
  CHECK(standing_of(health, due + 15min).kind == Kind::Due);
  SECTION("success closes") {
    CHECK(learn(health, showing(HealthEvent::Kind::Ready, due), kOther, kBounds, due + 1s));
    CHECK(standing_of(health, due + 1s).kind == Kind::Well);
    CHECK(health.failures == 0);
  }
  SECTION("failure doubles the rest") {
    CHECK_FALSE(learn(health, failure(Cause::Network, due), kOther, kBounds, due + 1s));
    CHECK(standing_of(health, due + 1s).kind == Kind::Resting);
    CHECK(health.until == due + 31s);
  }
  SECTION("nothing learned: the next one probes") {
    learn(health, showing(HealthEvent::Kind::Ended, due), kOther, kBounds, due + 1s);
    CHECK(standing_of(health, due + 1s).kind == Kind::Due);
  }
  SECTION("somebody else's end is not the prober's") {
    learn(health, showing(HealthEvent::Kind::Ended, due - 20s), kUs, kBounds, due + 1s);
    CHECK(standing_of(health, due + 1s).kind == Kind::Probing);
  }
}

TEST_CASE("a success that began before the failure says nothing about what came after") {
  Health health;
  learn(health, failure(Cause::Network, kStart + 4s), kUs, kBounds, kStart + 5s);
  CHECK_FALSE(learn(health, showing(HealthEvent::Kind::Accepted, kStart), kOther, kBounds, kStart + 6s));
  CHECK(standing_of(health, kStart + 6s).kind == Kind::Resting);
}

TEST_CASE("a session alone does not end a quota, an acceptance does") {
  const Cause cause = GENERATE(Cause::Quota, Cause::Rate, Cause::Account, Cause::Policy);
  Health health;
  learn(health, failure(cause, kStart), kUs, kBounds, kStart);
  const WallTime due = health.until;
  CHECK_FALSE(learn(health, showing(HealthEvent::Kind::Ready, due), kUs, kBounds, due + 1s));
  CHECK(standing_of(health, due + 1s).kind == Kind::Due);
  CHECK(learn(health, showing(HealthEvent::Kind::Accepted, due), kUs, kBounds, due + 1s));
  CHECK(standing_of(health, due + 1s).kind == Kind::Well);
}

TEST_CASE("refused credentials rest an hour, or until somebody changes them") {
  Health health;
  HealthEvent event = failure(Cause::Auth, kStart, {Until::Kind::Credentials, {}});
  event.credentials = 7;
  learn(health, event, kUs, kBounds, kStart);
  CHECK(standing(health, kStart + 59min, 7, kBounds, all_alive).kind == Kind::Resting);
  CHECK(standing(health, kStart + 1h, 7, kBounds, all_alive).kind == Kind::Due);
  CHECK(standing(health, kStart + 1min, 8, kBounds, all_alive).kind == Kind::Due);
  // New credentials are tried by one process too.
  take_probe(health, kOther, kStart + 15min, kStart + 1min);
  CHECK(standing(health, kStart + 1min, 8, kBounds, all_alive).kind == Kind::Probing);
}

TEST_CASE("with no other relay left, connect trouble is looked at early, but not refused credentials or a quota") {
  struct Row {
    Cause cause;
    bool early;
  };
  const Row row = GENERATE(Row{Cause::Network, true}, Row{Cause::Tls, true}, Row{Cause::Auth, false},
                           Row{Cause::Quota, false}, Row{Cause::Account, false});
  Health health;
  learn(health, failure(row.cause, kStart), kUs, kBounds, kStart);
  const WallTime due = health.until;
  learn(health, failure(row.cause, due), kUs, kBounds, due);
  CHECK_FALSE(standing_of(health, due + 14s).early);
  CHECK(standing_of(health, due + 15s).kind == Kind::Resting);
  CHECK(standing_of(health, due + 15s).early == row.early);
}

TEST_CASE("a clock that is set back lets nothing rest longer") {
  Health health;
  learn(health, failure(Cause::Network, kStart), kUs, kBounds, kStart);
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
  learn(health, showing(HealthEvent::Kind::Accepted, kStart), kUs, kBounds, kStart);
  CHECK(standing_of(health, kStart).until == kStart + 2h);
  CHECK(standing_of(health, kStart + 2h).kind == Kind::Well);
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
    learn(health, event, kUs, kBounds, when);
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
  learn(other, failure(Cause::Network, kStart), kUs, kBounds, kStart + 1s);
  const std::vector<const Health*> others{&other};
  CHECK_FALSE(much_slower(own, others, 4.0, kStart + 1min));
}

}  // namespace
}  // namespace relaypipe
