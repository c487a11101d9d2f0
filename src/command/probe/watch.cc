#include "command/probe/watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"

namespace relaypipe {
namespace {

constexpr Duration kDoorPatience = std::chrono::seconds(3);  ///< for a connection, before other ports are tried
constexpr std::int64_t kDay = 24L * 3600;
constexpr std::int64_t kDaysLeft = 14;  ///< a certificate with less is worth a warning

}  // namespace

bool RunningProbe::is_stuck(Instant now) const {
  if (!ended) return dialled && stage == Stage::Connect && now - since >= kDoorPatience;
  const auto* const failed = probe.failure ? std::get_if<SessionFailure>(&probe.failure->what) : nullptr;
  return failed != nullptr && failed->stage == Stage::Connect;
}

std::vector<std::string> RunningProbe::warnings(std::int64_t now) const {
  std::vector<std::string> warnings;
  if (!probe.tls || probe.tls->not_after == 0) return warnings;
  const std::int64_t left = probe.tls->not_after - now;
  if (left < 0)
    warnings.emplace_back("the certificate has expired; the level does not ask for a valid one");
  else if (left < kDaysLeft * kDay)
    warnings.push_back(fmt::format("the certificate ends within {} day{}", left / kDay + 1, left < kDay ? "" : "s"));
  return warnings;
}

void RunningProbe::enter(Stage next, Instant now) {
  auto& steps = probe.steps;
  const auto it = std::find_if(steps.begin(), steps.end(), [&](const auto& step) { return step.first == stage; });
  if (it != steps.end())
    it->second += now - since;
  else
    steps.emplace_back(stage, now - since);
  since = now;
  stage = next;
}

void RunningProbe::end(Instant now) {
  if (dialled) enter(stage, now);
  probe.total = now - started;
  ended = true;
  call.reset();
  session.reset();
}

void ProbeWatch::reached(const Peer& peer, Stage stage) {
  RunningProbe* const running = find(peer);
  if (running == nullptr) return;
  const Instant now = clock_.now();
  if (stage == Stage::Auth) running->probe.auth_tried = true;
  if (stage != Stage::Connect) return running->enter(stage, now);
  // A connection begins, perhaps a second one with a new token: what was before is not its time.
  running->probe.steps.clear();
  running->dialled = true;
  running->started = running->since = now;
  running->stage = stage;
}

void ProbeWatch::secured(const Peer& peer, const TlsReport& report) {
  if (RunningProbe* const running = find(peer)) running->probe.tls = report;
}

void ProbeWatch::replied(const Peer& peer, Stage stage, const Reply& reply) {
  RunningProbe* const running = find(peer);
  if (running == nullptr || reply.lines.empty()) return;
  if (stage == Stage::Greeting) running->probe.greeting = printable(reply.lines.front());
  if (stage != Stage::Ehlo) return;
  // The first line is the relay's name.
  running->probe.offers.clear();
  for (std::size_t i = 1; i < reply.lines.size(); ++i)
    running->probe.offers.push_back(printable(reply.lines[i]));
}

RunningProbe* ProbeWatch::find(const Peer& peer) {
  const auto same = [&](const auto& running) {
    const Peer& other = running->probe.peer;
    return other.relay == peer.relay && other.host == peer.host && other.ip == peer.ip && other.port == peer.port;
  };
  const auto it = std::find_if(all_.begin(), all_.end(), same);
  return it == all_.end() ? nullptr : it->get();
}

}  // namespace relaypipe
