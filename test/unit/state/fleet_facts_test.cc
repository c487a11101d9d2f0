#include "state/fleet_facts.h"

#include "catch.h"
#include "state/fleet_record.h"
#include "state/fleet_share.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

const WallTime kStart = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + 10h;

RelayState down(Cause cause) {
  RelayState state;
  state.health.outage =
      Outage{.cause = cause, .since = kStart, .failed = kStart, .until = kStart + 1h, .words = "it said so"};
  return state;
}

std::vector<Change> hear(RelayState& state, FleetFact fact, WallTime now = kStart + 1min) {
  if (fact.host.empty()) fact.host = "other";
  return apply_facts(state, std::vector{fact}, "relay", "self", {}, {}, now);
}

FleetFact outage(std::uint64_t at, Span left) {
  return {.kind = FleetFact::Kind::Outage, .at = at, .left = left, .host = {}, .cause = Cause::Auth, .words = "no"};
}

TEST_CASE("trouble of the account is told as an outage, trouble on the way as a hint, the rest not at all") {
  CHECK(fact_to_tell(down(Cause::Auth), kStart)->kind == FleetFact::Kind::Outage);
  CHECK(fact_to_tell(down(Cause::Quota), kStart)->left == 1h);
  CHECK(fact_to_tell(down(Cause::Network), kStart)->kind == FleetFact::Kind::Hint);
  CHECK(!fact_to_tell(down(Cause::Rate), kStart));
  CHECK(!fact_to_tell(RelayState(), kStart));
}

TEST_CASE("a failure is told once, and then its end") {
  RelayState state = down(Cause::Account);
  note_told(state, *fact_to_tell(state, kStart));
  CHECK(!fact_to_tell(state, kStart));
  state.health = {};
  const auto end = fact_to_tell(state, kStart);
  REQUIRE(end);
  CHECK(end->left == 0s);
  CHECK(end->kind == FleetFact::Kind::Outage);
  note_told(state, *end);
  CHECK(!fact_to_tell(state, kStart));
}

TEST_CASE("an outage is taken over once, is not told again, and ends") {
  RelayState state;
  const auto changes = hear(state, outage(5, 30min));
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].kind == Change::Kind::Down);
  CHECK(state.health.outage.value().until == kStart + 31min);
  CHECK(state.health.outage.value().words == "at other: no");
  CHECK(!fact_to_tell(state, kStart + 1min));
  CHECK(hear(state, outage(5, 30min)).empty());
  hear(state, outage(6, 0s), kStart + 2min);
  CHECK(state.health.outage.value().until == kStart + 2min);
}

TEST_CASE("an outage that was met here is not ended by others") {
  RelayState state = down(Cause::Auth);
  hear(state, outage(5, 0s));
  CHECK(state.health.outage.value().until == kStart + 1h);
}

TEST_CASE("suspensions are taken over, those of this host are its own already") {
  RelayState state;
  FleetFact fact{.kind = FleetFact::Kind::Suspension, .at = 9, .left = FleetFact::kForever, .host = {}, .words = {}};
  CHECK(hear(state, fact).at(0).kind == Change::Kind::Suspended);
  CHECK(state.health.suspended_until == kFarFuture);
  fact.at = 10;
  fact.left = 0s;
  CHECK(hear(state, fact).at(0).kind == Change::Kind::Resumed);
  CHECK(!state.health.suspended_until);
  fact.at = 11;
  fact.left = 1h;
  fact.host = "self";
  CHECK(hear(state, fact).empty());
  CHECK(!state.health.suspended_until);
}

TEST_CASE("a hint never takes a relay away, its end lets it be tried") {
  RelayState well;
  hear(well, {.kind = FleetFact::Kind::Hint, .at = 3, .left = 5min, .host = {}, .cause = Cause::Network, .words = {}});
  CHECK(!well.health.down());
  RelayState state = down(Cause::Network);
  hear(state, {.kind = FleetFact::Kind::Hint, .at = 4, .left = 0s, .host = {}, .words = {}});
  CHECK(state.health.outage.value().until == kStart + 1min);
}

TEST_CASE("the names of facts") {
  for (const auto kind : {FleetFact::Kind::Suspension, FleetFact::Kind::Outage, FleetFact::Kind::Hint})
    CHECK(find_fact(fact_name(kind)) == kind);
  CHECK(!find_fact("rumour"));
}

TEST_CASE("the breaker: one question a second while the store is away") {
  StoreHealth store;
  CHECK(may_ask(store, kStart));
  store.tried = kStart;
  CHECK(note_end(store, "it hangs", kStart));
  CHECK(!note_end(store, "it hangs", kStart));
  CHECK(!may_ask(store, kStart + 900ms));
  CHECK(may_ask(store, kStart + 1s));
  CHECK(may_ask(store, kStart - 1h));
  CHECK(note_end(store, "", kStart + 2s));
  CHECK(may_ask(store, kStart + 2s));
}

TEST_CASE("records of the store and of slices survive") {
  StoreHealth store{.tried = kStart, .answered = kStart - 1h, .since = kStart, .words = "gone"};
  const StoreHealth back = unpack_store_health(pack(store));
  CHECK(back.tried == kStart);
  CHECK(back.answered == kStart - 1h);
  CHECK(back.words == "gone");
  CHECK(!unpack_store_health("nonsense").away());

  RelayState state;
  FleetShare& share = state.allowance.fleet;
  share.hosts = 3;
  share.sequence = 8;
  share.ahead = -5s;
  share.telling = FleetShare::Telling::Hint;
  share.slices.push_back({.rule = 4,
                          .index = 20'000,
                          .life = 9,
                          .epoch = 1,
                          .spent = 5,
                          .granted = 8,
                          .told = 5,
                          .until = kStart,
                          .dry_for_urgent = true,
                          .recent = {1, 2, 3}});
  const auto read = unpack(pack(state));
  REQUIRE(read);
  const FleetShare& found = read->allowance.fleet;
  CHECK(found.hosts == 3);
  CHECK(found.ahead == -5s);
  CHECK(found.telling == FleetShare::Telling::Hint);
  CHECK(found.slices.at(0).granted == 8);
  CHECK(found.slices.at(0).index == 20'000);
  CHECK(found.slices.at(0).dry_for_urgent);
  CHECK(found.slices.at(0).recent.before == 3);
  CHECK(!unpack(pack(state) + "x"));
}

TEST_CASE("a record of a host without a fleet is as it was") {
  RelayState state;
  state.health.stamp = kStart;
  const std::string octets = pack(state);
  state.allowance.fleet.hosts = 9;  // of no question
  CHECK(pack(state) == octets);
}

}  // namespace
}  // namespace relaypipe
