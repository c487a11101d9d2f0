#include "command/probe/watch.h"

#include <algorithm>

#include "base/printable.h"

namespace relaypipe {
namespace {

void on_command(RunningProbe& running, std::string_view line) {
  running.in_hello = line.starts_with("EHLO") || line.starts_with("HELO");
  if (running.in_hello) {
    running.probe.offers.clear();
    running.hello_lines = 0;
  }
  if (line.starts_with("AUTH")) running.probe.auth_tried = true;
}

void on_line(RunningProbe& running, std::string_view line) {
  constexpr std::size_t kCode = 4;  // three digits, and a blank or hyphen
  if (line.size() < kCode) return;
  const std::string text = printable(line.substr(kCode));
  if (running.probe.greeting.empty() && running.stage <= Stage::Greeting) running.probe.greeting = text;
  // The first line of the reply to EHLO is the relay's name.
  if (running.in_hello && running.hello_lines++ > 0) running.probe.offers.push_back(text);
}

}  // namespace

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

void ProbeWatch::dialogue(const Peer& peer, Direction direction, std::string_view line) {
  RunningProbe* const running = find(peer);
  if (running == nullptr || direction == Direction::Note) return;
  if (direction == Direction::Sent)
    on_command(*running, line);
  else
    on_line(*running, line);
}

void ProbeWatch::reached(const Peer& peer, Stage stage) {
  RunningProbe* const running = find(peer);
  if (running == nullptr) return;
  const Instant now = clock_.now();
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

RunningProbe* ProbeWatch::find(const Peer& peer) {
  const auto same = [&](const auto& running) {
    const Peer& other = running->probe.peer;
    return other.relay == peer.relay && other.host == peer.host && other.ip == peer.ip && other.port == peer.port;
  };
  const auto it = std::find_if(all_.begin(), all_.end(), same);
  return it == all_.end() ? nullptr : it->get();
}

}  // namespace relaypipe
