#include "state/count_results.h"

#include <array>

namespace relaypipe {
namespace {

constexpr Span kKept = std::chrono::days(400);

std::array<std::string, 1> key() { return {std::string(kCountersKey)}; }

}  // namespace

Counters results_of(std::span<const ClassifiedAttempt> attempts, std::span<const Verdict> verdicts) {
  Counters counters;
  for (const auto& [attempt, classification] : attempts) {
    const bool asked =
        !std::holds_alternative<Skipped>(attempt.what) && !std::holds_alternative<Superseded>(attempt.what);
    if (asked && classification.severity != Severity::Success)
      ++counters.failed[{attempt.peer.relay, classification.cause}];
  }
  for (const Verdict& verdict : verdicts) {
    if (verdict.disposition == Disposition::Deferred) ++counters.deferred[verdict.cause];
    if (verdict.disposition == Disposition::Bounced) ++counters.bounced;
  }
  return counters;
}

void add_to_counters(StateStore& store, const Counters& more, WallTime now) {
  if (more == Counters()) return;
  store.update(key(), now, StateWait::Brief, [&](std::vector<StateValue>& values) {
    Counters all = unpack_counters(values[0].octets);
    add(all, more);
    values[0] = {pack(all), now + kKept};
  });
}

Counters read_counters(StateStore& store, WallTime now) { return unpack_counters(store.read(key(), now).at(0)); }

}  // namespace relaypipe
