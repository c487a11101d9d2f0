// Random worlds by seed: relays that refuse, stay silent, come late, break TLS or refuse the transaction, behind DNS
// that answers late, badly or never. Whatever the world is like, the race ends, keeps its rules and misses nobody. The
// timeline wakes the delivery only at its events and at the times it asked for, so a missing wake-up would end in a
// failure, not in luck.
#include <algorithm>
#include <string>
#include <vector>

#include "catch.h"
#include "flow/flow.h"

namespace relaypipe::flow {
namespace {

struct LegOfWorld {
  std::vector<std::string> endpoints;  ///< `ip:port` of each address
  bool literal = false;
  bool takes = false;  ///< the message, over any session that gets ready
  bool resolves = true;
  bool reachable = false;  ///< an address of it gets ready, sooner or later
};

/// A world drawn from a seed, and what has to be true of a delivery in it.
class RandomWorld {
 public:
  explicit RandomWorld(std::uint64_t seed) : random_(seed) {
    flow_.seed = seed;
    flow_.services.run_settings.max_sessions = 1 + random_.below(4);
    flow_.settings.patience = random_.below(2) == 0 ? 500ms : 2000ms;
    flow_.settings.mx_address_limit = 0;
    for (Duration* limit :
         {&flow_.settings.limits.greeting, &flow_.settings.limits.helo, &flow_.settings.limits.starttls})
      *limit = 25s;
    const std::uint64_t count = 1 + random_.below(5);
    for (std::uint64_t i = 0; i < count; ++i)
      add_leg(i);
    flow_.nexthop = nexthop_.substr(2);
    flow_.message_at(delay(4000));
  }

  void run_and_check() {
    const std::string said = flow_.run();
    CAPTURE(said, flow_.nexthop, flow_.services.run_settings.max_sessions);
    const bool may_succeed = std::any_of(
        legs_.begin(), legs_.end(), [](const LegOfWorld& leg) { return leg.takes && leg.reachable && leg.resolves; });
    CHECK(flow_.accepted == may_succeed);
    CHECK(flow_.delivered.verdicts.front().disposition != Disposition::Bounced);
    CHECK(flow_.services.timeline.elapsed() < flow_.services.run_settings.deadline);
    CHECK(flow_.services.dialer.most_at_once() <= flow_.services.run_settings.max_sessions);
    if (!flow_.accepted) check_nobody_was_missed();
    check_nobody_was_early();
    check_one_content();
  }

 private:
  Duration delay(std::uint64_t below_ms) { return std::chrono::milliseconds(random_.below(below_ms)); }

  void add_leg(std::uint64_t number) {
    LegOfWorld leg;
    leg.literal = random_.below(2) == 0;
    leg.takes = random_.below(3) == 0;
    const std::string net = "192.0." + std::to_string(number) + ".";
    const std::uint64_t addresses = leg.literal ? 1 : 1 + random_.below(5);
    std::vector<std::string> ips;
    for (std::uint64_t i = 1; i <= addresses; ++i) {
      ips.push_back(net + std::to_string(i));
      leg.endpoints.push_back(ips.back() + ":587");
      add_endpoint(leg);
    }
    const std::string name = "h" + std::to_string(number) + ".example";
    nexthop_ += ", [" + (leg.literal ? ips[0] : name) + "]:587";
    if (!leg.literal) add_names(leg, name, ips);
    legs_.push_back(leg);
  }

  void add_names(LegOfWorld& leg, const std::string& name, const std::vector<std::string>& ips) {
    auto& resolver = flow_.services.resolver;
    resolver.addresses(name, ips, {}, delay(3000));
    const std::uint64_t kind = random_.below(6);
    leg.resolves = kind > 1;
    if (kind == 0) resolver.has(RecordType::A, name, {LookupStatus::Failed, "SERVFAIL", {}, {}, {}}, delay(3000));
    if (kind == 1) resolver.has(RecordType::A, name, {LookupStatus::Ok, "", {}, {}, {}}, 1h);
    if (kind == 2) resolver.has(RecordType::Aaaa, name, {LookupStatus::NoData, "", {}, {}, {}}, delay(1000));
  }

  void add_endpoint(LegOfWorld& leg) {
    auto& relay = flow_.relay(leg.endpoints.back());
    switch (random_.below(7)) {
      case 0: relay.refused(delay(50)); return;
      case 1: relay.silent_at(Stage::Connect); return;
      case 2: relay.silent_at(Stage::Greeting); return;
      case 3: relay.fails({Stage::Tls, SessionError::TlsFailed, "x"}, delay(100)).ready_after(delay(3000)); break;
      case 4: relay.ready_after(delay(200)); break;
      case 5: relay.ready_by_steps(delay(2500), 1 + random_.below(7)); break;
      default: relay.ready_after(delay(9000), random_.below(2) == 0 ? Stage::Connect : Stage::Ehlo);
    }
    leg.reachable = true;
    if (leg.takes) return;
    const char* const verbs[] = {"MAIL", "RCPT", "DATA", "."};
    const char* const verb = verbs[random_.below(4)];
    const bool lost = *verb != '.' && random_.below(2) == 0;
    lost ? relay.closes_at(verb, delay(3000)) : relay.says(verb, "451 4.3.0 later", delay(3000));
  }

  /// Every address of a relay was dialled, unless a session with that relay settled that it is used up.
  void check_nobody_was_missed() {
    for (const LegOfWorld& leg : legs_) {
      const auto& endpoints = leg.endpoints;
      const bool used = std::any_of(endpoints.begin(), endpoints.end(),
                                    [&](const auto& e) { return flow_.relay(e).count("MAIL") > 0; });
      const bool all = std::all_of(endpoints.begin(), endpoints.end(),
                                   [&](const auto& e) { return !flow_.relay(e).dialled.empty(); });
      CHECK((used || all || !leg.resolves));
      CHECK(used == (leg.reachable && leg.resolves));
    }
  }

  /// A leg that needs no lookup is not dialled while one before it, of the same kind, still has its patience: counted
  /// from its last step.
  void check_nobody_was_early() {
    for (std::size_t later = 1; later < legs_.size(); ++later) {
      const auto& dialled = flow_.relay(legs_[later].endpoints[0]).dialled;
      for (std::size_t before = 0; before < later && !dialled.empty(); ++before) {
        const auto& relay = flow_.relay(legs_[before].endpoints[0]);
        if (!legs_[before].literal || !legs_[later].literal || relay.dialled.empty()) continue;
        Duration last_step = relay.dialled[0];
        for (const Duration step : relay.stepped)
          last_step = step < dialled[0] ? std::max(last_step, step) : last_step;
        const bool had_its_time = last_step + flow_.settings.patience <= dialled[0];
        const bool ended = !legs_[before].reachable || relay.sessions > 0;
        CHECK((had_its_time || ended));
      }
    }
  }

  /// A relay that took the message is the only one, and what no relay took was never committed.
  void check_one_content() {
    std::size_t contents = 0;
    for (const LegOfWorld& leg : legs_) {
      for (const auto& endpoint : leg.endpoints)
        contents += flow_.relay(endpoint).messages.size();
    }
    CHECK(contents == (flow_.accepted ? 1U : 0U));
  }

  Random random_;
  Flow flow_;
  std::string nexthop_;
  std::vector<LegOfWorld> legs_;
};

TEST_CASE("in any world the race ends, keeps its rules and misses nobody") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    RandomWorld(seed).run_and_check();
  }
}

}  // namespace
}  // namespace relaypipe::flow
