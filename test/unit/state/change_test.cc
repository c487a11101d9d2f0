#include "state/change.h"

#include "catch.h"
#include "fake/memory_state_store.h"
#include "state/change_log.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

const WallTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 27) + 10h;

Change down(int number) {
  return {Change::Kind::Down, kNow + Span(number), "relay" + std::to_string(number),
          Cause::Quota,       kNow + 1h,           "it said no"};
}

TEST_CASE("changes come back as they were, and only the last hundred") {
  std::string octets;
  for (int i = 0; i < 130; ++i)
    octets = append_changes(octets, std::vector{down(i)});
  const auto changes = unpack_changes(octets);
  REQUIRE(changes.size() == kChanges);
  CHECK(changes.front().relay == "relay30");
  CHECK(changes.back().relay == "relay129");
  CHECK(changes.back().kind == Change::Kind::Down);
  CHECK(changes.back().at == kNow + 129ms);
  CHECK(changes.back().cause == Cause::Quota);
  CHECK(changes.back().until == kNow + 1h);
  CHECK(changes.back().words == "it said no");
}

TEST_CASE("a record of changes that makes no sense is absent, and is recreated") {
  const std::string octets = append_changes("", std::vector{down(1), down(2)});
  for (std::size_t size = 0; size < octets.size(); ++size)
    REQUIRE(unpack_changes(octets.substr(0, size)).empty());
  CHECK(unpack_changes(octets + "x").empty());
  CHECK(unpack_changes("\x02" + octets.substr(1)).empty());
  CHECK(unpack_changes(append_changes("garbage", std::vector{down(3)})).size() == 1);
}

TEST_CASE("every kind of change comes back as itself, under its own name") {
  const auto [kind, name] = GENERATE(table<Change::Kind, std::string>({{Change::Kind::Down, "down"},
                                                                       {Change::Kind::Up, "up"},
                                                                       {Change::Kind::Suspended, "suspended"},
                                                                       {Change::Kind::Resumed, "resumed"},
                                                                       {Change::Kind::Reset, "reset"}}));
  CHECK(kind_name(kind) == name);
  Change change = down(1);
  change.kind = kind;
  const auto changes = unpack_changes(append_changes("", std::vector{change}));
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].kind == kind);
}

TEST_CASE("a change of a kind or cause that there is not makes no record") {
  Change change = down(1);
  change.kind = static_cast<Change::Kind>(static_cast<int>(Change::Kind::Reset) + 1);
  CHECK(unpack_changes(append_changes("", std::vector{change})).empty());
  change = down(1);
  change.cause = static_cast<Cause>(static_cast<int>(kLastCause) + 1);
  CHECK(unpack_changes(append_changes("", std::vector{change})).empty());
}

TEST_CASE("what is noted is remembered for all") {
  fake::MemoryStateStore store;
  CHECK(noted_changes(store, kNow).empty());
  note_changes(store, {}, kNow);
  CHECK(store.records.empty());
  note_changes(store, std::vector{down(1)}, kNow);
  note_changes(store, std::vector{down(2), down(3)}, kNow + 1s);
  CHECK(noted_changes(store, kNow + 2s).size() == 3);
  CHECK(noted_changes(store, kNow + 24h * 91).empty());
}

}  // namespace
}  // namespace relaypipe
