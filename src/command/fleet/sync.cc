#include "command/fleet/sync.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "io/system/own_host.h"
#include "io/system/sha_digest.h"
#include "io/system/system_clock.h"
#include "state/history_records.h"

namespace relaypipe {
namespace {

constexpr std::size_t kIdOctets = 16;
/// What an exchange takes beside its waiting.
constexpr Duration kAround = std::chrono::milliseconds(100);

std::array<std::string, 2> keys_of(const Relay& relay) { return {std::string(kFleetKey), relay_key(relay.name)}; }

StateValue value_of_store(const StoreHealth& health, WallTime now) {
  return {pack(health), now + std::chrono::days(35)};
}

}  // namespace

Duration longest_question(const FleetConfig& fleet) { return 2 * fleet.timeout + kAround; }

FleetHost fleet_host(const FleetConfig& fleet) {
  const std::string name = machine_name();
  if (!fleet.host_id.empty()) return {fleet.host_id, name};
  // The id itself is nobody's business (machine-id(5)).
  const std::string machine = machine_id();
  return {sha256_base64url("relaypipe fleet " + (machine.empty() ? name : machine)).substr(0, kIdOctets), name};
}

FleetSync::FleetSync(FleetServices services)
    : services_(std::move(services)),
      fleet_(services_.fleet),
      self_(fleet_host(fleet_)),
      link_(fleet_, services_.settings, services_.clock) {}

FleetSync::End FleetSync::exchange(const Relay& relay, const std::optional<SliceNeed>& need,
                                   const std::optional<FleetFact>& fact) {
  Exchange exchange;
  const End begun = begin(relay, need, exchange);
  if (begun != End::Answered) return begun;
  if (fact) exchange.fact = fact;
  const Result<FleetAnswers, std::string> answers = ask(relay, exchange);
  finish(relay, exchange, answers);
  problem_ = answers ? "" : answers.error();
  return answers ? End::Answered : End::Failed;
}

/// Whether the store may be asked, and what. The breaker is one for all relays.
FleetSync::End FleetSync::begin(const Relay& relay, const std::optional<SliceNeed>& need, Exchange& exchange) {
  End end = End::Answered;
  const auto keys = keys_of(relay);
  const WallTime wall = services_.wall.now();
  services_.store.update(keys, wall, StateWait::Exact, [&](std::vector<StateValue>& values) {
    StoreHealth store = unpack_store_health(values[0].octets);
    RelayState state = state_in(values[1]);
    const WallTime now = settle(state, relay.limits, wall, services_.zones, services_.alive);
    FleetShare& share = state.allowance.fleet;
    // While the store is away no delivery waits for it.
    if (need ? store.away() : !may_ask(store, now)) {
      problem_ = store.words;
      if (!share.any()) share.sequence = 1;
      share.failed = std::max(store.tried, share.answered + Span(1));
      end = End::Failed;
    } else if (share.asking_until > now) {
      end = End::Busy;
      return;
    } else {
      store.tried = now;
      share.asking_until = now + to_span(longest_question(fleet_));
      Random random(random_seed());
      exchange.questions = slice_questions(state.allowance, relay.limits, need, now, services_.zones, random);
      exchange.sequence = share.sequence;
      exchange.fact = fact_to_tell(state, now);
      values[0] = value_of_store(store, now);
    }
    state.allowance.stamp = std::max(state.allowance.stamp, now);
    values[1] = value_of(state, now);
  });
  exchange.sent = services_.wall.now();
  return end;
}

Result<FleetAnswers, std::string> FleetSync::ask(const Relay& relay, const Exchange& exchange) {
  std::vector<ScriptCall> calls{facts_call(fleet_, relay.name, self_, exchange.fact)};
  for (const SliceQuestion& question : exchange.questions)
    calls.push_back(take_call(fleet_, relay.name, self_, question));
  const auto replies = link_.call(calls);
  if (!replies) return fail(replies.error());
  return parse_answers(*replies, exchange.questions);
}

void FleetSync::finish(const Relay& relay, const Exchange& exchange, const Result<FleetAnswers, std::string>& answers) {
  const auto keys = keys_of(relay);
  const WallTime wall = services_.wall.now();
  const std::string problem = answers ? "" : answers.error();
  std::vector<Change> changes;
  bool store_changed = false;
  services_.store.update(keys, wall, StateWait::Exact, [&](std::vector<StateValue>& values) {
    StoreHealth store = unpack_store_health(values[0].octets);
    RelayState state = state_in(values[1]);
    const WallTime now = settle(state, relay.limits, wall, services_.zones, services_.alive);
    FleetShare& share = state.allowance.fleet;
    store_changed = note_end(store, problem, now);
    values[0] = value_of_store(store, now);
    // A later question was begun, since this one took too long: what it gave back is not to be used.
    if (share.sequence == exchange.sequence) {
      share.asking_until = kNever;
      if (answers) {
        apply_replies(state.allowance, exchange.questions, answers->slices, exchange.sent, now);
      } else {
        share.failed = std::max(now, share.answered + Span(1));
      }
    }
    if (answers) {
      if (exchange.fact) note_told(state, *exchange.fact);
      changes = apply_facts(state, answers->facts, relay.name, self_.id, services_.stamps(relay),
                            relay.settings->cool_down, now);
    }
    values[1] = value_of(state, now);
  });
  if (store_changed) services_.store_changed(!problem.empty(), problem);
  std::for_each(changes.begin(), changes.end(), services_.changed);
}

}  // namespace relaypipe
