// Many simulated processes over one store, killed at random: limits hold exactly, and nothing stays taken.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "catch.h"
#include "fake/fake_world.h"
#include "state/delivery_history.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kConnections = 3;
constexpr std::uint64_t kQuota = 20;  // recipients in 40 seconds
constexpr std::uint64_t kRate = 5;    // attempts in two seconds

Limits the_limits() {
  return {{{true, kRate, Counted::Messages, Period::Rolling, 2s, "", "5/2s"},
           {false, kQuota, Counted::Recipients, Period::Rolling, 40s, "", "20 recipients/40s"}},
          kConnections,
          {}};
}

/// One delivery in a process of its own.
struct Process {
  Envelope envelope;
  std::unique_ptr<DeliveryHistory> memory;
  RoutePlan plan;
  Instant began{};
  bool trying = false;
};

/// All processes, and what was begun and accepted when, kept apart from everything that is tested.
struct Model {
  explicit Model(std::uint64_t seed) : random(seed) {}

  [[nodiscard]] std::uint64_t draw(std::uint64_t most) { return random.next() % most; }

  HistoryServices services(Owner self) {
    HistoryServices one = shared.history();
    one.self = [self] { return self; };
    return one;
  }

  void start() {
    auto process = std::make_unique<Process>();
    process->envelope.sender = *parse_sender("s@example.com");
    for (std::uint64_t i = 0; i <= draw(3); ++i)
      process->envelope.recipients.push_back(*parse_address(fmt::format("r{}@example.org", i)));
    Leg leg;
    leg.relay.name = "only";
    leg.relay.limits = the_limits();
    process->plan.legs.push_back(std::move(leg));
    const Owner self{++last_pid};
    process->memory =
        std::make_unique<DeliveryHistory>(services(self), process->envelope, shared.timeline.now() + 5min);
    process->memory->open(process->plan);
    processes[self.token] = std::move(process);
  }

  void ask(Process& process) {
    const auto answer = process.memory->admit(process.plan.legs[0], 0ms);
    if (answer.kind != Admission::Kind::Go) {
      ++refused;
      return;
    }
    process.trying = true;
    process.began = shared.timeline.now();
    begun.push_back(shared.wall.now());
  }

  void end(Process& process, bool accepts) {
    Attempt attempt{{"only", "only", "", 587}, Accepted{{250, {"ok"}, {2, 0, 0}}}, 0ms, 1ms};
    Classification classification{Scope::Message, Severity::Success, Next::Stop, {2, 0, 0}, Cause::Unknown, {}, {}};
    if (!accepts) {
      attempt.what = Refused{Stage::Rcpt, {450, {"later"}, {4, 2, 0}}};
      classification.severity = Severity::Soft;
    }
    process.memory->record(process.plan.legs[0], {attempt, classification}, process.began, true);
    process.memory->flush();
    process.trying = false;
    if (accepts) accepted.emplace_back(shared.wall.now(), process.envelope.recipients.size());
    // What was given back does not count for the rate.
    if (!accepts)
      begun.erase(
          std::find(begun.begin(), begun.end(), shared.wall.now() - to_span(shared.timeline.now() - process.began)));
  }

  void check() {
    const WallTime now = shared.wall.now();
    std::size_t trying = 0;
    for (const auto& [pid, process] : processes)
      trying += process->trying ? 1U : 0U;
    CHECK(trying <= kConnections);
    std::uint64_t units = 0;
    for (const auto& [at, recipients] : accepted)
      units += at + 40s > now ? recipients : 0;
    for (const auto& [pid, process] : processes)
      units += process->trying ? process->envelope.recipients.size() : 0;
    CHECK(units <= kQuota);
    CHECK(static_cast<std::uint64_t>(
              std::count_if(begun.begin(), begun.end(), [&](WallTime at) { return at + 2s > now; })) <= kRate);
  }

  void step() {
    shared.timeline.wait(shared.timeline.now() + std::chrono::milliseconds(1 + draw(700)));
    if (processes.size() < 12) start();
    auto chosen = processes.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(draw(processes.size())));
    Process& process = *chosen->second;
    if (draw(10) == 0) {
      shared.dead.insert(chosen->first);
      killed += process.trying ? 1 : 0;
      processes.erase(chosen);
    } else if (!process.trying) {
      ask(process);
    } else {
      end(process, draw(3) != 0);
      shared.dead.insert(chosen->first);
      processes.erase(chosen);
    }
    check();
  }

  Random random;
  fake::FakeWorld shared;
  std::map<std::uint64_t, std::unique_ptr<Process>> processes;
  std::uint64_t last_pid = 1000;
  std::vector<WallTime> begun;
  std::vector<std::pair<WallTime, std::size_t>> accepted;
  int killed = 0;
  int refused = 0;
};

TEST_CASE("many processes, killed at random: no limit is exceeded by one, and everything comes back") {
  const auto seed = static_cast<std::uint64_t>(GENERATE(range(1, 9)));
  CAPTURE(seed);
  Model model(seed);
  for (int i = 0; i < 1500; ++i)
    model.step();
  // The limits were reached, and there was something to come back.
  CHECK(model.accepted.size() > 100);
  CHECK(model.refused > 100);
  CHECK(model.killed > 10);
  for (const auto& [pid, process] : model.processes)
    model.shared.dead.insert(pid);
  model.processes.clear();
  model.shared.timeline.wait(model.shared.timeline.now() + 10min);
  for (std::uint64_t i = 0; i < kConnections; ++i) {
    model.start();
    model.ask(*model.processes.rbegin()->second);
    CHECK(model.processes.rbegin()->second->trying);
  }
  model.check();
}

}  // namespace
}  // namespace relaypipe
