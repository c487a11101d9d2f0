#include "state/counters.h"

#include "catch.h"
#include "fake/memory_state_store.h"
#include "state/count_results.h"

namespace relaypipe {
namespace {

constexpr WallTime kNow{Span(1'000'000)};

ClassifiedAttempt failed(const std::string& relay, AttemptResult what, Cause cause) {
  return {{{relay, relay, "", 25}, std::move(what), {}, {}},
          {Scope::Relay, Severity::Soft, Next::NextLeg, {4, 4, 1}, cause, {}, ""}};
}

TEST_CASE("attempts that failed and deliveries that were deferred are counted by cause") {
  const std::vector<ClassifiedAttempt> attempts = {
      failed("a", SessionFailure{Stage::Connect, SessionError::Unconnected, "refused"}, Cause::Network),
      failed("a", SessionFailure{Stage::Tls, SessionError::Untrusted, "x"}, Cause::Tls),
      failed("b", SessionFailure{Stage::Connect, SessionError::Unconnected, "refused"}, Cause::Network),
      failed("c", Skipped{}, Cause::Quota), failed("d", Superseded{Stage::Connect}, Cause::Network)};
  Verdict verdict;
  verdict.cause = Cause::Tls;
  fake::MemoryStateStore store;
  for (int i = 0; i < 2; ++i)
    add_to_counters(store, results_of(attempts, std::vector{verdict}), kNow);
  const Counters all = read_counters(store, kNow);
  CHECK(all.failed ==
        decltype(all.failed){{{"a", Cause::Network}, 2}, {{"a", Cause::Tls}, 2}, {{"b", Cause::Network}, 2}});
  CHECK(all.deferred == decltype(all.deferred){{Cause::Tls, 2}});
  CHECK(all.bounced == 0);
}

TEST_CASE("a success at the first relay writes nothing") {
  Verdict sent;
  sent.disposition = Disposition::Delivered;
  fake::MemoryStateStore store;
  add_to_counters(store, results_of({}, std::vector{sent}), kNow);
  CHECK(store.records.empty());
}

TEST_CASE("counters come back from their record, and from no other octets") {
  Counters counters;
  counters.failed[{"a", Cause::Mailbox}] = 70'000;
  counters.failed[{"a", kLastCause}] = 2;
  counters.deferred[Cause::Unknown] = 3;
  counters.deferred[kLastCause] = 4;
  counters.bounced = 1;
  const std::string octets = pack(counters);
  CHECK(unpack_counters(octets) == counters);
  for (std::size_t size = 0; size < octets.size(); ++size)
    CHECK(unpack_counters(octets.substr(0, size)) == Counters());
  CHECK(unpack_counters(octets + "x") == Counters());
}

TEST_CASE("the relays that are counted are bounded") {
  Counters all;
  for (int i = 0; i < 2000; ++i) {
    Counters one;
    one.failed[{"relay" + std::to_string(i), Cause::Network}] = 1;
    add(all, one);
  }
  CHECK(all.failed.size() == kCounters);
}

}  // namespace
}  // namespace relaypipe
