#include "state/slice.h"

#include "catch.h"
#include "state/fleet_question.h"
#include "state/quota.h"
#include "state/state_record.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

const WallTime kStart = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + 10h;

std::chrono::seconds utc(const std::string&, WallTime) { return 0s; }

LimitRule quota(std::uint64_t count, Span window = 24h) {
  return {false, count, Counted::Recipients, Period::Rolling, window, "", "quota"};
}

/// A host that spends one quota, and a store whose answers the test writes.
struct FleetHost {
  explicit FleetHost(LimitRule rule, WhenAway when_away = WhenAway::Share, std::uint64_t percent = 0)
      : limits{{std::move(rule)}, 0, {percent, {}}, when_away} {}

  std::optional<Exhausted> why(WallTime now, std::uint64_t recipients = 1, bool urgent = false, bool asked = false) {
    settle(allowance, limits, now, utc);
    return exhausted(allowance, limits, {{++last}, now + 15min, recipients, urgent, asked}, now, utc);
  }
  bool asks(WallTime now, std::uint64_t recipients = 1) {
    const auto found = why(now, recipients);
    return found && found->ask;
  }
  bool send(WallTime now, std::uint64_t recipients = 1, bool urgent = false, bool asked = false) {
    if (why(now, recipients, urgent, asked)) return false;
    take(allowance, limits, {{last}, now + 15min, recipients, urgent}, now);
    count(allowance, limits, {last}, recipients, now, utc);
    return true;
  }
  std::vector<SliceQuestion> question(WallTime now, std::optional<SliceNeed> need = std::nullopt) {
    settle(allowance, limits, now, utc);
    return slice_questions(allowance, limits, need, now, utc, random);
  }
  /// The store grants `more` than the host has spent or been granted.
  void answered(const std::vector<SliceQuestion>& asked, std::uint64_t more, std::uint64_t fleet, std::uint64_t hosts,
                WallTime now, bool learning = false) {
    SliceReply reply{.learning = learning, .epoch = 7, .fleet = fleet, .hosts = hosts, .now = now};
    reply.granted = std::max(asked[0].granted, asked[0].spent) + more;
    apply_replies(allowance, asked, std::vector{reply}, now, now);
  }
  void failed(WallTime now) { allowance.fleet.failed = now; }
  [[nodiscard]] const Slice& slice() const { return allowance.fleet.slices.at(0); }

  Limits limits;
  Allowance allowance;
  Random random{1};
  std::uint64_t last = 0;
};

TEST_CASE("a question that a later one has overtaken gives nobody more than was granted") {
  FleetHost host(quota(100));
  const auto first = host.question(kStart, SliceNeed{1});
  host.answered(first, 1, 1, 2, kStart);
  CHECK(host.send(kStart));
  // Its own was overtaken, and the store answers: what it may use is in the answer to the other one.
  CHECK_FALSE(host.send(kStart, 1, false, true));
  CHECK(host.why(kStart, 1, false, true)->free_at < kStart + 1s);
}

TEST_CASE("without a slice the store is asked, and what it grants is spent without asking") {
  FleetHost host(quota(100));
  CHECK(host.asks(kStart));
  host.answered(host.question(kStart, SliceNeed{1}), 3, 3, 2, kStart);
  CHECK(host.send(kStart));
  CHECK(host.send(kStart));
  CHECK(host.send(kStart));
  CHECK(host.asks(kStart));
}

TEST_CASE("a slice that was granted is not used after its time") {
  FleetHost host(quota(100));
  host.answered(host.question(kStart, SliceNeed{1}), 10, 10, 2, kStart);
  CHECK(!host.why(kStart + 9min));
  CHECK(host.asks(kStart + 11min));
}

TEST_CASE("what a delivery holds is spent, and comes back") {
  FleetHost host(quota(100));
  host.answered(host.question(kStart, SliceNeed{1}), 1, 1, 2, kStart);
  CHECK(!host.why(kStart));
  take(host.allowance, host.limits, {{99}, kStart + 15min}, kStart);
  CHECK(host.asks(kStart));
  give_back(host.allowance, host.limits, {99}, kStart);
  CHECK(!host.why(kStart));
}

TEST_CASE("a message asks for as much as it has recipients") {
  FleetHost host(quota(100));
  host.answered(host.question(kStart, SliceNeed{1}), 3, 3, 1, kStart);
  CHECK(host.asks(kStart, 20));
  const auto asked = host.question(kStart, SliceNeed{20});
  CHECK(asked[0].need >= 17);
  CHECK(asked[0].want >= asked[0].need);
}

TEST_CASE("after a delivery more is asked for in the last tenth, and at half of its time") {
  FleetHost host(quota(1000));
  host.answered(host.question(kStart, SliceNeed{1}), 20, 20, 2, kStart);
  for (int i = 0; i < 17; ++i)
    CHECK(host.send(kStart));
  CHECK(!wants_refill(host.allowance, host.limits, kStart, utc));
  CHECK(host.send(kStart));
  CHECK(wants_refill(host.allowance, host.limits, kStart, utc));

  FleetHost idle(quota(1000));
  idle.answered(idle.question(kStart, SliceNeed{1}), 20, 20, 2, kStart);
  CHECK(!wants_refill(idle.allowance, idle.limits, kStart + 4min, utc));
  CHECK(wants_refill(idle.allowance, idle.limits, kStart + 5min, utc));
}

TEST_CASE("twice the last minute's use is asked for, and what is too much is given back") {
  FleetHost host(quota(100'000));
  host.answered(host.question(kStart, SliceNeed{1}), 500, 500, 1, kStart);
  for (int i = 0; i < 30; ++i)
    host.send(kStart);
  const auto busy = host.question(kStart);
  CHECK(busy[0].granted == 150);  // 30 spent, and four minutes of them
  CHECK(busy[0].want == 0);
  host.answered(busy, 0, 150, 1, kStart);
  const auto idle = host.question(kStart + 5min);
  CHECK(idle[0].granted == 32);
  CHECK(idle[0].spent == 30);
  CHECK(idle[0].untold == 0);
}

TEST_CASE("what a question gives back is not used from then on, whatever becomes of it") {
  FleetHost host(quota(1000));
  host.answered(host.question(kStart, SliceNeed{1}), 500, 500, 2, kStart);
  host.question(kStart + 1min);
  CHECK(host.slice().granted == 2);
}

TEST_CASE("a store with nothing left is not asked again at once") {
  FleetHost host(quota(10));
  host.answered(host.question(kStart, SliceNeed{1}), 0, 10, 2, kStart);
  const auto why = host.why(kStart);
  REQUIRE(why);
  CHECK(!why->ask);
  CHECK(why->fleet);
  CHECK(why->free_at == kStart + 1s);
  CHECK(host.asks(kStart + 2s));
}

TEST_CASE("a host's own count holds too") {
  FleetHost host(quota(2));
  host.answered(host.question(kStart, SliceNeed{1}), 10, 10, 1, kStart);
  CHECK(host.send(kStart));
  CHECK(host.send(kStart));
  const auto why = host.why(kStart);
  REQUIRE(why);
  CHECK(!why->fleet);
}

TEST_CASE("away: the slice, then a share of what was left") {
  FleetHost host(quota(100));
  host.answered(host.question(kStart, SliceNeed{1}), 5, 60, 4, kStart);
  host.failed(kStart + 1s);
  int sent = 0;
  while (host.send(kStart + 2s))
    ++sent;
  CHECK(sent == 5 + 40 / 4);
}

TEST_CASE("away: the slice serves beyond its time, and not for ever") {
  FleetHost host(quota(100), WhenAway::Closed);
  host.answered(host.question(kStart, SliceNeed{1}), 5, 60, 4, kStart);
  host.failed(kStart + 1s);
  CHECK(!host.why(kStart + 30min));
  CHECK(host.why(kStart + 2h));
}

TEST_CASE("away: a window without an answer is divided by the hosts") {
  FleetHost host(quota(100, 1h));
  host.answered(host.question(kStart, SliceNeed{1}), 5, 60, 4, kStart);
  host.failed(kStart + 1s);
  int sent = 0;
  while (host.send(kStart + 3h))
    ++sent;
  CHECK(sent == 25);
}

TEST_CASE("away: closed ends with the slice, open with the host's own count") {
  for (const WhenAway when : {WhenAway::Closed, WhenAway::Open}) {
    FleetHost host(quota(100), when);
    host.answered(host.question(kStart, SliceNeed{1}), 5, 60, 4, kStart);
    host.failed(kStart + 1s);
    int sent = 0;
    while (host.send(kStart + 2s))
      ++sent;
    CHECK(sent == (when == WhenAway::Open ? 100 : 5));
  }
}

TEST_CASE("a store that learns counts as one that is away, with the hosts that were known") {
  FleetHost host(quota(100));
  host.answered(host.question(kStart, SliceNeed{1}), 5, 60, 4, kStart);
  host.answered(host.question(kStart, SliceNeed{10}), 0, 60, 1, kStart, true);
  CHECK(host.allowance.fleet.hosts == 4);
  int sent = 0;
  while (host.send(kStart))
    ++sent;
  CHECK(sent == 5 + 40 / 4);
  // However often it answers: what it allows does not begin anew.
  host.answered(host.question(kStart, SliceNeed{1}), 0, 75, 4, kStart, true);
  host.answered(host.question(kStart, SliceNeed{1}), 0, 20, 4, kStart, true);
  CHECK_FALSE(host.send(kStart));
  CHECK(host.question(kStart, SliceNeed{1})[0].untold == 15);
}

TEST_CASE("a store whose clock is centuries away leaves a record that can be read") {
  FleetHost host(quota(100));
  const auto asked = host.question(kStart, SliceNeed{1});
  const SliceReply reply{.epoch = 7, .granted = 1, .hosts = 1, .now = kStart + std::chrono::days(365 * 300)};
  apply_replies(host.allowance, asked, std::vector{reply}, kStart, kStart);
  RelayState state;
  state.allowance = host.allowance;
  CHECK(unpack(pack(state)));
}

TEST_CASE("of a window that it never answered about, a store that learns says something once") {
  FleetHost host(quota(100));
  host.answered(host.question(kStart, SliceNeed{1}), 0, 60, 4, kStart, true);
  host.answered(host.question(kStart, SliceNeed{1}), 0, 20, 4, kStart, true);
  int sent = 0;
  while (host.send(kStart))
    ++sent;
  CHECK(sent == 40 / 4);
}

TEST_CASE("what was sent while the store was away is told to one that has lost what it knew") {
  FleetHost host(quota(100));
  host.answered(host.question(kStart, SliceNeed{1}), 5, 60, 4, kStart);
  host.failed(kStart + 1s);
  for (int i = 0; i < 12; ++i)
    host.send(kStart + 2s);
  const auto asked = host.question(kStart + 3s);
  CHECK(asked[0].spent == 12);
  CHECK(asked[0].untold == 12);
  CHECK(asked[0].granted == 5);
  CHECK(asked[0].fleet == 60);
}

TEST_CASE("the reserve's part of a slice is for urgent mail") {
  FleetHost host(quota(100), WhenAway::Share, 10);
  auto asked = host.question(kStart, SliceNeed{1, true});
  SliceReply reply{.epoch = 7, .granted = 1, .urgent = 1, .fleet = 91, .hosts = 2, .now = kStart};
  apply_replies(host.allowance, asked, std::vector{reply}, kStart, kStart);
  CHECK(!host.send(kStart));
  CHECK(host.send(kStart, 1, true));
}

TEST_CASE("a stale answer says nothing") {
  FleetHost host(quota(100));
  const auto asked = host.question(kStart, SliceNeed{1});
  apply_replies(host.allowance, asked, std::vector{SliceReply{.stale = true, .now = {}}}, kStart, kStart);
  CHECK(!host.slice().known());
}

TEST_CASE("a rate is divided among the hosts") {
  const LimitRule rule{true, 10, Counted::Messages, Period::Rolling, 1s, "", "rate"};
  FleetShare share;
  CHECK(rate_share(rule, share).count == 10);
  share.hosts = 4;
  CHECK(rate_share(rule, share).count == 2);
  share.hosts = 30;
  CHECK(rate_share(rule, share).count == 1);
  CHECK(rate_share(rule, share).window == 3s);
}

TEST_CASE("use is estimated over the last sixty seconds") {
  RecentUse recent{.minute = kStart.time_since_epoch() / 1min, .now = 10, .before = 60};
  CHECK(used_lately(recent, kStart) == 70);
  CHECK(used_lately(recent, kStart + 30s) == 40);
  CHECK(used_lately(recent, kStart + 90s) == 5);
  CHECK(used_lately(recent, kStart + 3min) == 0);
}

TEST_CASE("a clock that is set back takes a slice with it") {
  FleetHost host(quota(100));
  host.answered(host.question(kStart, SliceNeed{1}), 5, 60, 4, kStart);
  CHECK(host.send(kStart));
  CHECK(host.asks(kStart + 11min));
  CHECK(!host.why(kStart - 1h));
  CHECK(host.asks(kStart - 1h + 11min));
}

TEST_CASE("a calendar window is that of the store's clock") {
  LimitRule day{false, 10, Counted::Messages, Period::Day, {}, "UTC", "day"};
  FleetHost host(day);
  const WallTime evening = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + 23h + 59min;
  const auto asked = host.question(evening, SliceNeed{1});
  // The store is two minutes ahead: for it the next day has begun.
  SliceReply reply{.epoch = 7, .granted = 5, .fleet = 5, .hosts = 1, .now = evening + 2min};
  apply_replies(host.allowance, asked, std::vector{reply}, evening, evening);
  CHECK(host.asks(evening));
  CHECK(host.question(evening, SliceNeed{1})[0].index == asked[0].index + 1);
}

}  // namespace
}  // namespace relaypipe
