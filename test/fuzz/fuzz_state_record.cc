// A record of the state store: octets that a killed machine, a bad disk or another version left behind.
#include <fuzzer/FuzzedDataProvider.h>

#include <chrono>
#include <string>

#include "fuzz.h"
#include "state/health_event.h"
#include "state/state_record.h"

namespace {

using namespace relaypipe;
using std::chrono::days;
using std::chrono::seconds;

const WallTime kNow{days(20000)};

WallTime some_time(FuzzedDataProvider& data) {
  return WallTime(Span(data.ConsumeIntegralInRange<std::int64_t>(0, Span(days(40000)).count())));
}

Owner some_owner(FuzzedDataProvider& data) { return {data.ConsumeIntegral<std::uint64_t>()}; }

/// One that began at the epoch would be none.
Outage some_outage(FuzzedDataProvider& data) {
  Outage outage{.cause = static_cast<Cause>(data.ConsumeIntegralInRange(0, static_cast<int>(kLastCause))),
                .since = some_time(data) + Span(1),
                .failed = some_time(data),
                .until = some_time(data),
                .failures = data.ConsumeIntegral<std::uint32_t>()};
  outage.stamps = {data.ConsumeIntegral<std::uint64_t>(), data.ConsumeIntegral<std::uint64_t>()};
  outage.words = data.ConsumeRandomLengthString(400);
  return outage;
}

Health some_health(FuzzedDataProvider& data) {
  Health health;
  health.stamp = some_time(data);
  if (data.ConsumeBool()) health.outage = some_outage(data);
  for (int i = data.ConsumeIntegralInRange(0, 3); i > 0; --i)
    health.looks.push_back({some_owner(data), some_time(data), some_time(data)});
  for (int i = data.ConsumeIntegralInRange(0, 3); i > 0; --i)
    health.doubts.push_back({data.ConsumeBool(), data.ConsumeIntegral<std::uint64_t>(), 1, some_time(data)});
  health.suspended_until = some_time(data);
  health.ready = {data.ConsumeFloatingPointInRange<double>(0, 1e9), data.ConsumeIntegral<std::uint32_t>()};
  health.measured = some_time(data);
  health.successes = data.ConsumeIntegral<std::uint64_t>();
  return health;
}

Allowance some_allowance(FuzzedDataProvider& data) {
  Allowance allowance;
  allowance.stamp = some_time(data);
  for (int i = data.ConsumeIntegralInRange(0, 3); i > 0; --i) {
    Used used;
    used.rule = data.ConsumeIntegral<std::uint64_t>();
    used.index = data.ConsumeIntegral<std::int64_t>();
    used.in_period = data.ConsumeIntegral<std::uint32_t>();
    WallTime at = some_time(data);
    for (int j = data.ConsumeIntegralInRange(0, 5); j > 0; --j) {
      used.counts.push_back({at, data.ConsumeIntegral<std::uint32_t>()});
      at += Span(data.ConsumeIntegral<std::uint16_t>());
    }
    allowance.used.push_back(std::move(used));
  }
  for (int i = data.ConsumeIntegralInRange(0, 3); i > 0; --i)
    allowance.holds.push_back(
        {some_owner(data), some_time(data), some_time(data), data.ConsumeIntegral<std::uint16_t>()});
  return allowance;
}

/// What is remembered is used: no number in it may break the arithmetic, nor hold a relay back for ever.
void check_use(RelayState state) {
  const Alive dead = [](const Owner&) { return false; };
  const WallTime now = settle(state.health, kNow);
  must(now >= kNow, "settling never goes back in time");
  const Stamps stamps = state.health.outage ? state.health.outage->stamps : Stamps();
  const Standing stands = standing(state.health, now, stamps, {}, dead);
  must(stands.kind != Standing::Kind::Probing, "a dead process probes nothing");
  must(stands.kind != Standing::Kind::CoolingDown || stands.until > now, "who rests does so until later");
  HealthEvent accepted;
  accepted.kind = HealthEvent::Kind::Accepted;
  accepted.began = now;
  apply(state.health, accepted, {1}, {}, now);
  const Standing::Kind then = standing(state.health, now, {}, {}, dead).kind;
  must(then == Standing::Kind::Up || then == Standing::Kind::Suspended, "an acceptance clears the failure");

  const ZoneOffset utc = [](const std::string&, WallTime) { return seconds(0); };
  const Limits none;
  settle(state.allowance, none, kNow, utc);
  drop_dead(state.allowance, kNow, dead);
  must(state.allowance.holds.empty(), "dead processes hold nothing");
  must(!exhausted(state.allowance, none, {{1}, kNow + seconds(900), 1, false}, kNow, utc),
       "without limits nothing is exhausted");
  must(useful_until(state, kNow) > kNow, "a record is of use for a while");
}

void check_foreign(const std::string& octets) {
  const auto state = unpack(octets);
  if (!state) return;
  const std::string once = pack(*state);
  const auto again = unpack(once);
  must(again.has_value(), "what was read can be written and read");
  must(pack(*again) == once, "and stays what it is from then on");
  must(!unpack(octets + '\0'), "nothing follows a record");
  must(!unpack(std::string_view(octets).substr(0, octets.size() - 1)), "a record that is cut off is none");
  check_use(*state);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_foreign({data, data + size});
  FuzzedDataProvider provider(data, size);
  RelayState state;
  state.health = some_health(provider);
  state.allowance = some_allowance(provider);
  const auto read = unpack(pack(state));
  must(read.has_value(), "a state that can be is read back");
  const Health& before = state.health;
  const Health& after = read->health;
  must(after.down() == before.down() && after.looks.size() == before.looks.size() &&
           after.successes == before.successes && after.ready.value == before.ready.value,
       "its health is the same");
  must(!after.outage ||
           (after.outage->until == before.outage->until && after.outage->failures == before.outage->failures),
       "its outage is the same");
  must(read->allowance.used.size() == state.allowance.used.size() &&
           read->allowance.holds.size() == state.allowance.holds.size(),
       "its allowance is the same");
  for (std::size_t i = 0; i < read->allowance.used.size(); ++i) {
    const Used& written = state.allowance.used[i];
    const Used& found = read->allowance.used[i];
    must(written.rule == found.rule && written.index == found.index && written.in_period == found.in_period &&
             written.counts.size() == found.counts.size(),
         "what is used is the same");
    for (std::size_t j = 0; j < found.counts.size(); ++j)
      must(written.counts[j].at == found.counts[j].at && written.counts[j].amount == found.counts[j].amount,
           "each count is the same");
  }
  return 0;
}
