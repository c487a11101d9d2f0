#include "command/probe/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <list>
#include <memory>
#include <utility>

#include "base/printable.h"
#include "command/probe/other_ports.h"
#include "command/probe/watch.h"
#include "command/token/token_parts.h"
#include "command/wiring/https_parts.h"
#include "deliver/dial_target.h"
#include "io/cares_resolver.h"
#include "io/credentials/keyring.h"
#include "io/curl/dialer.h"
#include "io/system/own_host.h"
#include "io/system/poll_event_loop.h"
#include "io/system/system_clock.h"
#include "relay/protection.h"
#include "route/endpoint_lookup.h"
#include "smtp/reply.h"
#include "verdict/classify.h"

namespace relaypipe {
namespace {

constexpr Duration kTick = std::chrono::milliseconds(100);  ///< between two words of progress

class Prober {
 public:
  explicit Prober(const ProbeOrder& order)
      : request_(order),
        end_(clock_.now() + order.limit),
        tokens_(clock_, order.configuration.run, journal_, "probe"),
        keyring_(clock_, order.mail_from ? order.mail_from->text() : "", &tokens_.broker),
        watch_(clock_, running_),
        dialer_(clock_, keyring_, &watch_),
        resolver_({order.configuration.run.dns_servers, order.configuration.run.dns_timeout}),
        self_(own_host(order.configuration.relay_defaults.hostname, order.configuration.run)) {}

  std::vector<RelayProbe> run() {
    look_up();
    PollEventLoop event_loop(clock_,
                             {&tokens_.names, &tokens_.client, &tokens_.broker, &resolver_, &keyring_, &dialer_});
    while (!done()) {
      receive();
      if (done()) break;
      if (clock_.now() >= end_) give_up();
      tell_progress();
      event_loop.wait(std::min(end_, clock_.now() + kTick));
    }
    // A renewal that was begun may have used up the only refresh token: what it brings has to be kept.
    const Instant last = clock_.now() + request_.configuration.relay_defaults.secret_limit;
    while (tokens_.broker.unfinished() && clock_.now() < last)
      event_loop.wait(last);
    return collect();
  }

 private:
  /// One relay while its addresses are looked up.
  struct Lookup {
    RelayProbe probe;
    std::optional<EndpointLookup> reach;  ///< nothing when it is over
    Instant started{};
    std::vector<Endpoint> endpoints = {};
    std::list<Relay> other_ports = {};  ///< the relay at other ports, once they are tried
    bool others_tried = false;
  };

  void look_up() {
    const Instant now = clock_.now();
    for (const Relay& relay : request_.relays) {
      Lookup& lookup = lookups_.emplace_back();
      lookup.probe.relay = relay;
      lookup.started = now;
      lookup.reach.emplace(lookup.probe.relay, self_, Random(1), now);
    }
  }

  void receive() {
    for (const LookupEvent& event : resolver_.take_answers()) {
      for (Lookup& lookup : lookups_) {
        if (lookup.reach) lookup.reach->answer(event.query, event.answer, clock_.now());
      }
    }
    for (Lookup& lookup : lookups_)
      follow(lookup);
    for (DialEvent& event : dialer_.take_events())
      on_event(*running_.at(event.id), event);
    for (const auto& running : running_) {
      if (running->call)
        follow(*running);
      else if (running->session)
        converse(*running);
    }
    for (Lookup& lookup : lookups_)
      try_other_ports(lookup);
  }

  /// Asks what is to be asked for a relay, and dials its addresses when they are known.
  void follow(Lookup& lookup) {
    if (!lookup.reach) return;
    for (const Query& query : lookup.reach->take_queries())
      resolver_.ask(query);
    const Instant now = clock_.now();
    const auto found = lookup.reach->result(now);
    if (!found) return;
    lookup.reach.reset();
    lookup.probe.lookup = now - lookup.started;
    const Relay& relay = lookup.probe.relay;
    if (!*found) {
      const Peer peer{relay.name, relay.destination.host, "", relay.destination.port};
      lookup.probe.unresolved = Attempt{peer, found->error(), {}, {}};
      return;
    }
    lookup.endpoints = **found;
    for (const Endpoint& endpoint : lookup.endpoints)
      dial(relay, endpoint, now);
  }

  /// Dials the other ports of a relay that connects at none of its addresses.
  void try_other_ports(Lookup& lookup) {
    const auto stuck = [&](const auto& running) {
      return running->relay != &lookup.probe.relay || running->is_stuck(clock_.now());
    };
    if (lookup.others_tried || lookup.endpoints.empty() || !std::all_of(running_.begin(), running_.end(), stuck))
      return;
    lookup.others_tried = true;
    for (Relay& other : at_other_ports(lookup.probe.relay)) {
      const Relay& relay = lookup.other_ports.emplace_back(std::move(other));
      for (Endpoint endpoint : lookup.endpoints) {
        endpoint.port = relay.destination.port;
        dial(relay, endpoint, clock_.now());
      }
    }
  }

  void dial(const Relay& relay, const Endpoint& endpoint, Instant now) {
    DialTarget target = dial_target(relay, endpoint);
    auto running = std::make_unique<RunningProbe>();
    running->relay = &relay;
    running->probe.peer = target.peer;
    running->started = running->since = now;
    running_.push_back(std::move(running));
    dialer_.start(running_.size() - 1, target);
  }

  void on_event(RunningProbe& running, DialEvent& event) {
    if (const auto* why = std::get_if<SessionFailure>(&event.result)) return fail_with(running, *why);
    running.session = std::move(std::get<std::unique_ptr<Session>>(event.result));
    running.probe.facts = running.session->facts();
    if (running.relay->destination.https) return call(running);
    if (!request_.mail_from) return finish(running);
    send(running, Stage::Mail, fmt::format("MAIL FROM:{}", request_.mail_from->path()));
  }

  /// The interface is asked for something that needs our credentials. No recipient is asked about, as nowhere there.
  void call(RunningProbe& running) {
    running.enter(Stage::Request, clock_.now());
    running.call = std::make_unique<ApiCall>(*running.session, running.probe.peer, *running.relay, https_);
  }

  void follow(RunningProbe& running) {
    auto result = running.call->step();
    if (!result) return;
    running.probe.account = std::move(result->words);
    running.probe.auth_tried = true;
    result->failure ? fail_with(running, *std::move(result->failure)) : finish(running);
    if (!result->clock.empty()) running.probe.warnings.push_back(std::move(result->clock));
  }

  void send(RunningProbe& running, Stage stage, const std::string& command) {
    running.enter(stage, clock_.now());
    running.session->send(command + "\r\n");
  }

  /// The replies to MAIL, to RCPT and to RSET.
  void converse(RunningProbe& running) {
    std::array<char, 4096> buffer;
    const std::size_t count = running.session->receive(buffer);
    std::string_view octets(buffer.data(), count);
    while (!octets.empty() && !running.parser.fault()) {
      octets.remove_prefix(running.parser.feed(octets));
      const auto reply = running.parser.take();
      if (!reply) continue;
      on_reply(running, *reply);
      if (running.ended) return;
    }
    if (running.parser.fault()) return fail_with(running, ProtocolError{running.stage, running.parser.fault_text()});
    if (running.session->ended()) fail_with(running, Lost{running.stage, Loss::Closed});
  }

  void on_reply(RunningProbe& running, const Reply& reply) {
    const bool refused = !reply.positive();
    if (running.resetting) return finish(running);
    if (running.stage == Stage::Mail) {
      running.probe.mail = reply.text();
      if (refused) running.probe.failure = Attempt{running.probe.peer, Refused{Stage::Mail, reply}, {}, {}};
      if (!refused && request_.rcpt_to)
        return send(running, Stage::Rcpt, fmt::format("RCPT TO:{}", request_.rcpt_to->path()));
    } else {
      running.probe.rcpt = reply.text();
      if (refused) running.probe.failure = Attempt{running.probe.peer, RecipientsRefused{{reply}}, {}, {}};
    }
    // Whatever was said, nothing of a transaction is left behind.
    running.resetting = true;
    running.session->send("RSET\r\n");
  }

  void finish(RunningProbe& running) {
    if (!running.probe.failure) running.probe.warnings = running.warnings(std::time(nullptr));
    running.session->finish(SessionEnd::Clean);
    running.end(clock_.now());
  }

  void fail_with(RunningProbe& running, AttemptResult why) {
    const auto* const unreached = std::get_if<SessionFailure>(&why);
    const bool tls_broke = unreached != nullptr && unreached->stage == Stage::Tls && !unreached->tls_needed;
    Attempt attempt{running.probe.peer, std::move(why), {}, {}};
    // As in a delivery: what is only a wish does not keep mail.
    const ConnectionUse again{running.probe.peer.host, running.probe.peer.ip, false, true};
    if (tls_broke && tls_policy(running.relay->destination, *running.relay->settings, again) == TlsLevel::None)
      running.probe.warnings.push_back("mail would go in clear text: " + describe(attempt));
    else
      running.probe.failure = std::move(attempt);
    running.end(clock_.now());
  }

  /// The time is over for whatever is not ready.
  void give_up() {
    for (Lookup& lookup : lookups_) {
      if (!std::exchange(lookup.reach, std::nullopt)) continue;
      const Peer peer{lookup.probe.relay.name, lookup.probe.relay.destination.host, "", 0};
      lookup.probe.unresolved =
          Attempt{peer, SessionFailure{Stage::Resolve, SessionError::TimedOut, "timed out"}, {}, {}};
      lookup.probe.lookup = clock_.now() - lookup.started;
    }
    for (std::size_t id = 0; id < running_.size(); ++id) {
      if (running_[id]->ended) continue;
      const Stage stage = running_[id]->session ? running_[id]->stage : dialer_.cancel(id);
      fail_with(*running_[id], SessionFailure{stage, SessionError::TimedOut, "timed out", std::nullopt, false, true});
    }
  }

  [[nodiscard]] bool done() const {
    return std::all_of(lookups_.begin(), lookups_.end(), [](const Lookup& lookup) { return !lookup.reach; }) &&
           std::all_of(running_.begin(), running_.end(), [](const auto& running) { return running->ended; });
  }

  void tell_progress() const {
    if (!request_.progress) return;
    const auto ended = std::count_if(running_.begin(), running_.end(), [](const auto& one) { return one->ended; });
    const auto open = std::find_if(running_.begin(), running_.end(), [](const auto& one) { return !one->ended; });
    std::string text = fmt::format("{} of {} addresses", ended, running_.size());
    if (open != running_.end())
      text += fmt::format("; waiting for {} ({})", (*open)->probe.peer.text(), name((*open)->stage));
    request_.progress(text);
  }

  std::vector<RelayProbe> collect() {
    std::vector<RelayProbe> probes;
    for (Lookup& lookup : lookups_) {
      for (const auto& running : running_) {
        if (running->relay == &lookup.probe.relay) lookup.probe.addresses.push_back(std::move(running->probe));
        for (const Relay& other : lookup.other_ports) {
          if (running->relay == &other) lookup.probe.other_ports.push_back({other, std::move(running->probe)});
        }
      }
    }
    for (Lookup& lookup : lookups_)
      probes.push_back(std::move(lookup.probe));
    return probes;
  }

  const ProbeOrder& request_;
  SystemClock clock_;
  SystemWallClock wall_;
  HttpsServices https_ = https_services(wall_);
  Instant end_;
  RunningProbes running_;      ///< the DialId is the index
  std::list<Lookup> lookups_;  ///< stay where they are: the relays in them are pointed to
  NoJournal journal_;          ///< what goes wrong is in the report
  TokenParts tokens_;
  AccountKeyring keyring_;
  ProbeWatch watch_;
  CurlDialer dialer_;
  CaresResolver resolver_;
  OwnHost self_;
};

}  // namespace

std::vector<RelayProbe> run_probes(const ProbeOrder& order) { return Prober(order).run(); }

}  // namespace relaypipe
