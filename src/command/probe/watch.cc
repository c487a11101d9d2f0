#include "command/probe/watch.h"

#include <algorithm>

#include "base/printable.h"

namespace relaypipe {

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
