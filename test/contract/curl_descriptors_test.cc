// libcurl in a process that has more than 1,024 descriptors open, where select(2) ends.
#include <fcntl.h>
#include <sys/resource.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "contract/relay_end.h"
#include "deliver/observer.h"
#include "io/base/unique_fd.h"
#include "io/curl/dialer.h"
#include "io/curl/token_client.h"
#include "io/system/system_clock.h"

namespace relaypipe {

using contract::kPatience;
using contract::RelayEnd;

namespace {

constexpr int kTaken = 1100;
constexpr auto kAtOnce = std::chrono::milliseconds(50);  // less than any timer that only looks after things

/// Takes every descriptor up to kTaken, so that all that come later have higher numbers.
class ManyDescriptors {
 public:
  ManyDescriptors() {
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    rlimit more = before_;
    more.rlim_cur = std::max<rlim_t>(before_.rlim_cur, 2 * kTaken);
    more.rlim_max = std::max(before_.rlim_max, more.rlim_cur);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &more) == 0);
    while (taken_.empty() || taken_.back().get() < kTaken) {
      taken_.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
      REQUIRE(taken_.back().get() >= 0);
    }
  }
  ~ManyDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  ManyDescriptors(const ManyDescriptors&) = delete;
  ManyDescriptors& operator=(const ManyDescriptors&) = delete;

 private:
  rlimit before_{};
  std::vector<UniqueFd> taken_;
};

/// One round of an event loop that sleeps until a socket is ready: a timer that only looks after things wakes nobody.
void serve_once(Pollable& part) {
  const SystemClock clock;
  std::vector<pollfd> fds;
  const bool at_once = part.interests(fds, clock.now()) < clock.now() + kAtOnce;
  const int ready = poll(fds.data(), fds.size(), at_once ? 0 : kPatience);
  REQUIRE((at_once || ready > 0));
  part.serve(fds, clock.now());
}

class NoKeyring final : public Keyring {
 public:
  void ask(DialId, const Relay&, std::string_view, bool) override {}
  std::vector<KeyringEvent> take_answers() override { return {}; }
  void cancel(DialId) override {}
};

class NoResolver final : public Resolver {
 public:
  void ask(const Query&) override {}
  std::vector<LookupEvent> take_answers() override { return {}; }
};

class Replies final : public Trace {
 public:
  void dialogue(const Peer&, Direction, std::string_view) override {}
  void replied(const Peer& peer, Stage stage, const Reply& reply) override {
    told.emplace_back(stage, peer.host + ": " + reply.text());
  }
  std::vector<std::pair<Stage, std::string>> told;
};

}  // namespace

TEST_CASE("a session is opened over a socket beyond the descriptors of select(2), and its replies are told") {
  const ManyDescriptors many;
  RelayEnd end;
  const SystemClock clock;
  NoKeyring keyring;
  Replies replies;
  CurlDialer dialer(clock, keyring, &replies);
  Relay relay;
  DialTarget target;
  target.peer = {"one", "relay.example", "127.0.0.1", end.port()};
  target.relay = &relay;
  target.helo_name = "client.example";
  target.tls = TlsLevel::None;

  dialer.start(0, target);
  end.accept_one();
  end.say("220-relay.example\r\n220 ready\r\n");
  while (!end.has_input())
    serve_once(dialer);
  CHECK(end.read_some() == "EHLO client.example\r\n");
  end.say("250-relay.example\r\n250 PIPELINING\r\n");
  std::vector<DialEvent> events;
  while ((events = dialer.take_events()).empty())
    serve_once(dialer);
  REQUIRE(std::holds_alternative<std::unique_ptr<Session>>(events.front().result));
  CHECK(std::get<std::unique_ptr<Session>>(events.front().result)->capabilities().pipelining);
  CHECK(replies.told ==
        std::vector<std::pair<Stage, std::string>>{{Stage::Greeting, "relay.example: 220-relay.example 220 ready"},
                                                   {Stage::Ehlo, "relay.example: 250-relay.example 250 PIPELINING"}});
}

TEST_CASE("a token endpoint is asked over a socket beyond the descriptors of select(2)") {
  const ManyDescriptors many;
  RelayEnd end;
  const SystemClock clock;
  NoResolver resolver;
  CurlTokenClient client(clock, resolver);
  std::string form = "grant_type=client_credentials";
  client.post(
      0, {"https://127.0.0.1:" + std::to_string(end.port()) + "/token", "", Secret(form), std::chrono::minutes(1)});
  end.accept_one();
  while (!end.has_input())
    serve_once(client);
  CHECK(end.read_some().substr(0, 1) == "\x16");  // a TLS handshake begins
  end.reset();
  std::vector<HttpEvent> answers;
  while ((answers = client.take_answers()).empty())
    serve_once(client);
  CHECK_FALSE(answers.front().answer);
}

}  // namespace relaypipe
