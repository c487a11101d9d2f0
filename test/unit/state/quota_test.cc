#include "state/quota.h"

#include <algorithm>
#include <deque>

#include "base/random.h"
#include "catch.h"
#include "state/idle_places.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

const WallTime kStart = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + 10h;

std::chrono::seconds utc(const std::string&, WallTime) { return 0s; }
bool all_alive(const Owner&) { return true; }

LimitRule rolling(std::uint64_t count, Span window, Counted counted = Counted::Messages) {
  return {false, count, counted, Period::Rolling, window, "", "rolling"};
}
LimitRule rate(std::uint64_t count, Span window) {
  return {true, count, Counted::Messages, Period::Rolling, window, "", "rate"};
}
LimitRule calendar(std::uint64_t count, Period period) {
  return {false, count, Counted::Messages, period, {}, "UTC", "calendar"};
}

/// One relay's limits with everybody who sends over it.
struct Office {
  explicit Office(Limits its) : limits(std::move(its)) {}

  /// Takes what one message asks for; its owner's pid, or nothing.
  std::optional<std::uint64_t> ask(WallTime now, std::uint64_t recipients = 1, bool urgent = false) {
    const Claim claim{{++last}, now + 15min, recipients, urgent};
    now = settle(allowance, limits, now, utc);
    why = exhausted(allowance, limits, claim, now, utc);
    if (why) return std::nullopt;
    take(allowance, limits, claim, now);
    return last;
  }
  void accepted(std::uint64_t pid, WallTime now, std::uint64_t recipients = 1) {
    count(allowance, limits, {pid}, recipients, now, utc);
  }
  void refused(std::uint64_t pid, WallTime now) { give_back(allowance, limits, {pid}, now); }
  /// One message taken and accepted at once.
  bool send(WallTime now, std::uint64_t recipients = 1, bool urgent = false) {
    const auto pid = ask(now, recipients, urgent);
    if (pid) accepted(*pid, now, recipients);
    return pid.has_value();
  }

  Limits limits;
  Allowance allowance;
  std::optional<Exhausted> why;
  std::uint64_t last = 0;
};

TEST_CASE("a rolling window frees each place exactly when it leaves") {
  Office office({{rolling(3, 1h)}, 0, {}});
  CHECK(office.send(kStart));
  CHECK(office.send(kStart + 10min));
  CHECK(office.send(kStart + 10min));
  CHECK_FALSE(office.send(kStart + 1h - 1ms));
  CHECK(office.why->free_at == kStart + 1h);
  CHECK(office.send(kStart + 1h));
  CHECK_FALSE(office.send(kStart + 1h));
  CHECK(office.why->free_at == kStart + 1h + 10min);
  CHECK(office.send(kStart + 1h + 10min));
  CHECK(office.send(kStart + 1h + 10min));
}

TEST_CASE("running attempts count as used until they end") {
  Office office({{rolling(2, 1h)}, 0, {}});
  const auto first = office.ask(kStart);
  const auto second = office.ask(kStart);
  REQUIRE((first && second));
  CHECK_FALSE(office.ask(kStart));
  office.refused(*first, kStart + 5s);
  const auto third = office.ask(kStart + 5s);
  REQUIRE(third);
  office.accepted(*second, kStart + 20s);
  office.accepted(*third, kStart + 30s);
  CHECK_FALSE(office.ask(kStart + 30s));
  CHECK(office.why->free_at == kStart + 20s + 1h);
}

TEST_CASE("what a dead process held is free again") {
  Office office({{rolling(2, 1h)}, 2, {}});
  const auto first = office.ask(kStart);
  REQUIRE(office.ask(kStart));
  CHECK_FALSE(office.ask(kStart));
  drop_dead(office.allowance, kStart, [&](const Owner& owner) { return owner.token != *first; });
  CHECK(office.ask(kStart));
  CHECK_FALSE(office.ask(kStart));
  // An attempt never outlives its delivery, alive or not: a pid may be somebody else's by now.
  drop_dead(office.allowance, kStart + 15min, all_alive);
  CHECK(office.allowance.holds.empty());
}

TEST_CASE("the end of a dead process cannot be told twice") {
  Office office({{rate(2, 10s)}, 0, {}});
  const auto first = office.ask(kStart);
  office.refused(*first, kStart);
  office.refused(*first, kStart);
  CHECK(office.ask(kStart));
  CHECK(office.ask(kStart));
  CHECK_FALSE(office.ask(kStart));
}

TEST_CASE("a rate counts attempts as they begin, and gives back those that came to nothing") {
  Office office({{rate(2, 1s)}, 0, {}});
  const auto first = office.ask(kStart);
  REQUIRE(office.ask(kStart + 100ms));
  CHECK_FALSE(office.ask(kStart + 200ms));
  CHECK(office.why->free_at == kStart + 1s);
  office.refused(*first, kStart + 300ms);
  const auto third = office.ask(kStart + 300ms);
  REQUIRE(third);
  CHECK_FALSE(office.ask(kStart + 1s));
  REQUIRE(office.ask(kStart + 1100ms));
  // The third has left its window: there is nothing to give back, least of all somebody else's place.
  REQUIRE(office.ask(kStart + 1300ms));
  office.refused(*third, kStart + 1300ms);
  CHECK_FALSE(office.ask(kStart + 1300ms));
}

TEST_CASE("recipients are counted where the quota says so") {
  Office office({{rolling(10, 24h, Counted::Recipients)}, 0, {}});
  CHECK(office.send(kStart, 6));
  CHECK_FALSE(office.send(kStart, 5));
  CHECK(office.why->free_at == kStart + 24h);
  CHECK(office.send(kStart, 4));
  CHECK_FALSE(office.send(kStart, 11));
  CHECK_FALSE(office.why->free_at);  // never, whenever it is asked
}

TEST_CASE("a calendar window starts anew when the clock says, and only forward") {
  Office office({{calendar(2, Period::Day)}, 0, {}});
  const WallTime midnight = std::chrono::floor<std::chrono::days>(kStart) + std::chrono::days(1);
  CHECK(office.send(midnight - 1h));
  CHECK(office.send(midnight - 1ms));
  CHECK_FALSE(office.send(midnight - 1ms));
  CHECK(office.why->free_at == midnight);
  CHECK(office.send(midnight));
  CHECK(office.send(midnight + 1s));
  CHECK_FALSE(office.send(midnight + 2s));
  CHECK_FALSE(office.send(midnight - 2s));  // another process read the clock before midnight
}

TEST_CASE("the last part of a quota is kept for urgent mail") {
  Office office({{rolling(10, 1h)}, 0, {25, {}}});
  for (int i = 0; i < 7; ++i)
    CHECK(office.send(kStart));
  CHECK_FALSE(office.send(kStart));  // 25 % of 10, rounded up, is 3
  for (int i = 0; i < 3; ++i)
    CHECK(office.send(kStart, 1, true));
  CHECK_FALSE(office.send(kStart, 1, true));
}

TEST_CASE("connections are attempts at the same time") {
  Office office({{}, 2, {}});
  const auto first = office.ask(kStart);
  REQUIRE(office.ask(kStart));
  CHECK_FALSE(office.ask(kStart));
  CHECK(office.why->rule == nullptr);
  office.accepted(*first, kStart + 1s);
  CHECK(office.ask(kStart + 1s));
}

TEST_CASE("a session that is kept is one of the connections until it is closed") {
  Office office({{rolling(10, 1h)}, 2, {}});
  const auto first = office.ask(kStart);
  const auto second = office.ask(kStart);
  REQUIRE(second);
  const bool accepted = GENERATE(true, false);
  if (accepted)
    count(office.allowance, office.limits, {*first}, 1, kStart + 1s, utc, kStart + 6s);
  else
    give_back(office.allowance, office.limits, {*first}, kStart + 1s, kStart + 6s);
  CHECK(amount_used(office.allowance, office.limits.rules[0]) == (accepted ? 2 : 1));  // and what the second holds
  CHECK_FALSE(office.ask(kStart + 2s));
  CHECK(office.why->rule == nullptr);

  SECTION("its process takes it for the next message") {
    const Claim claim{.owner = {*first}, .until = kStart + 1h};
    CHECK_FALSE(exhausted(office.allowance, office.limits, claim, kStart + 2s, utc));
    take(office.allowance, office.limits, claim, kStart + 2s);
    CHECK(office.allowance.holds.size() == 2);
    CHECK_FALSE(office.ask(kStart + 2s));
  }
  SECTION("it is closed") {
    close_idle(office.allowance, {*second});  // which is in use
    CHECK(office.allowance.holds.size() == 2);
    close_idle(office.allowance, {*first});
    CHECK(office.ask(kStart + 2s));
  }
  SECTION("its process was stopped, and it is past its time") {
    drop_dead(office.allowance, kStart + 6s, [](const Owner&) { return true; });
    CHECK(office.ask(kStart + 6s));
  }
}

TEST_CASE("the place of the session that is idle for the longest is asked for, once") {
  Office office({{}, 3, {}});
  const Owner self{77};
  CHECK(want_idle_place(office.allowance, self) == IdlePlace::None);
  const auto first = office.ask(kStart);
  const auto second = office.ask(kStart);
  const auto third = office.ask(kStart);
  give_back(office.allowance, office.limits, {*second}, kStart + 1s, kStart + 6s);
  give_back(office.allowance, office.limits, {*first}, kStart + 2s, kStart + 6s);
  CHECK(want_idle_place(office.allowance, self) == IdlePlace::Asked);
  CHECK(is_wanted(office.allowance, {*second}));
  CHECK_FALSE(is_wanted(office.allowance, {*first}));
  CHECK(want_idle_place(office.allowance, self) == IdlePlace::Asked);
  CHECK(is_wanted(office.allowance, {*first}));
  CHECK(want_idle_place(office.allowance, self) == IdlePlace::Waiting);
  CHECK_FALSE(is_wanted(office.allowance, {*third}));
  // Whoever keeps one does not ask itself.
  close_idle(office.allowance, {*first});
  CHECK(want_idle_place(office.allowance, {*second}) == IdlePlace::None);
}

TEST_CASE("the limit that lasts longest is named") {
  Office office({{rate(1, 1s), rolling(1, 1h)}, 0, {}});
  CHECK(office.send(kStart));
  CHECK_FALSE(office.send(kStart));
  CHECK(office.why->free_at == kStart + 1h);
}

TEST_CASE("a limit that was rewritten starts at nothing, the others stay") {
  Office office({{rolling(1, 1h), calendar(5, Period::Day)}, 0, {}});
  CHECK(office.send(kStart));
  office.limits.rules[0].text = "rewritten";
  office.limits.rules[0].count = 2;
  CHECK(office.send(kStart));
  CHECK(office.allowance.used.size() == 2);
  CHECK(amount_used(office.allowance, office.limits.rules[1]) == 2);
}

TEST_CASE("a clock that is set back takes what is counted back with it") {
  Office office({{rolling(1, 1h)}, 0, {}});
  CHECK(office.send(kStart));
  CHECK_FALSE(office.send(kStart - 10h));
  CHECK(office.why->free_at == kStart - 9h);
  CHECK(office.send(kStart - 9h));
  // A little back is only another process's reading: time stands still until it has caught up.
  CHECK_FALSE(office.send(kStart - 9h - 5s));
  CHECK(office.why->free_at == kStart - 8h);
}

TEST_CASE("what running attempts hold goes back with the clock") {
  Office office({{rolling(2, 1h)}, 0, {}});
  const auto first = office.ask(kStart);
  REQUIRE(first);
  office.ask(kStart - 10h);
  REQUIRE(office.allowance.holds.size() == 2);
  CHECK(office.allowance.holds[0].at == kStart - 10h);
  CHECK(office.allowance.holds[0].until == kStart - 10h + 15min);
  // So a process that died without a word holds it for as long as before.
  drop_dead(office.allowance, kStart - 10h + 15min - 1ms, all_alive);
  CHECK(office.allowance.holds.size() == 2);
  drop_dead(office.allowance, kStart - 10h + 15min, all_alive);
  CHECK(office.allowance.holds.empty());
}

TEST_CASE("a clock that was years ahead does not close a calendar window for years") {
  Office office({{calendar(1, Period::Day)}, 0, {}});
  CHECK(office.send(kStart + std::chrono::days(400)));
  CHECK_FALSE(office.send(kStart));
  CHECK(office.send(kStart + std::chrono::days(1)));
}

/// What a provider counts: the times of its acceptances, all of them.
struct Provider {
  std::uint64_t most;
  Span window;
  std::deque<Count> taken;
  std::uint64_t sum = 0;
  std::uint64_t highest = 0;

  void take(WallTime now, std::uint64_t amount) {
    for (; !taken.empty() && taken.front().at + window <= now; taken.pop_front())
      sum -= taken.front().amount;
    taken.push_back({now, amount});
    sum += amount;
    highest = std::max(highest, sum);
  }
};

TEST_CASE("over any schedule a provider never counts one above, and hardly less than is allowed") {
  const auto seed = static_cast<std::uint64_t>(GENERATE(range(0, 12)));
  Random random(seed);
  const std::uint64_t most = GENERATE(1U, 7U, 95U, 1000U);
  const auto counted = random.below(2) == 0 ? Counted::Messages : Counted::Recipients;
  const Span window = random.below(2) == 0 ? Span(1h) : Span(1s);
  CAPTURE(seed, most, window.count());
  Office office({{rolling(most, window, counted)}, 0, {}});
  Provider provider{most, window, {}, 0, 0};
  struct Running {
    std::uint64_t pid;
    std::uint64_t recipients;
  };
  std::vector<Running> running;
  WallTime now = kStart;
  std::uint64_t passed = 0;
  bool small = true;
  for (int step = 0; step < 6000; ++step) {
    // Bursts, a steady flow, and now and then a pause of up to a window.
    const auto kind = random.below(40);
    const auto parts = static_cast<std::uint64_t>(window.count()) * 3 / most + 1;
    if (kind > 10) now += Span(static_cast<Span::rep>(random.below(parts)));
    if (kind == 39) now += Span(static_cast<Span::rep>(random.below(static_cast<std::uint64_t>(window.count()))));
    const std::uint64_t recipients =
        counted == Counted::Messages ? 1 : 1 + random.below(std::min<std::uint64_t>(most, 5));
    if (running.size() < 20) {
      if (const auto pid = office.ask(now, recipients)) running.push_back({*pid, recipients});
    }
    if (!running.empty() && random.below(3) != 0) {
      const auto which = random.below(running.size());
      const Running ends = running[which];
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(which));
      if (random.below(5) == 0) {
        office.refused(ends.pid, now);
      } else {
        office.accepted(ends.pid, now, ends.recipients);
        provider.take(now, counted == Counted::Messages ? 1 : ends.recipients);
        ++passed;
      }
    }
    small = small && office.allowance.used[0].counts.size() <= kCounts;
  }
  CHECK(small);
  CHECK(provider.highest <= most);
  CHECK(passed > 500);
}

TEST_CASE("a high quota in use all the time loses at most a 64th of its window") {
  constexpr std::uint64_t most = 50000;
  Office office({{rolling(most, 24h)}, 0, {}});
  Provider provider{most, 24h, {}, 0, 0};
  std::uint64_t sent = 0;
  const WallTime end = kStart + std::chrono::days(4);
  // Nearly half as much again is on offer as is allowed.
  for (WallTime now = kStart; now < end; now += 1200ms) {
    if (!office.send(now)) continue;
    provider.take(now, 1);
    ++sent;
  }
  CHECK(provider.highest == most);
  CHECK(sent > 4 * most * 62 / 64);
}

TEST_CASE("a rate of fourteen a second is all used and never passed") {
  Office office({{rate(14, 1s)}, 0, {}});
  Provider provider{14, 1s, {}, 0, 0};
  int sent = 0;
  for (WallTime now = kStart; now < kStart + 60s; now += 7ms) {
    const auto pid = office.ask(now);
    if (!pid) continue;
    provider.take(now, 1);
    office.accepted(*pid, now + 300ms);
    ++sent;
  }
  CHECK(provider.highest == 14);
  CHECK(sent >= 14 * 59);
}

}  // namespace
}  // namespace relaypipe
