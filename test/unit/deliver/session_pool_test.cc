#include "deliver/session_pool.h"

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "fake/fake_relay.h"
#include "fake/timeline.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

constexpr const char* kOne = "192.0.2.1:587";
constexpr const char* kOther = "192.0.2.2:587";
constexpr const char* kMail = "MAIL FROM:<s@example.com>";

using Commands = std::vector<std::string>;

/// A pool in front of relays that are ready at once. Its key is the address, and `account`.
struct Pooled {
  Pooled() {
    relay.settings = &settings;
    one.ready_at_once();
    other.ready_at_once();
  }

  void start(const std::string& ip = "192.0.2.1") {
    DialTarget target;
    target.peer = {"one", ip, ip, 587};
    target.relay = &relay;
    pool->start(++last, target);
  }

  /// Time passes, and the pool is served all along, as by an event loop.
  void passes(Duration time) {
    const Instant end = timeline.now() + time;
    do {
      timeline.wait(end);
      pool->serve({}, timeline.now());
    } while (timeline.now() < end);
  }

  /// The next ready session of a relay.
  std::unique_ptr<Session> open(const std::string& ip = "192.0.2.1") {
    start(ip);
    std::vector<DialEvent> events = pool->take_events();
    if (events.empty()) {
      timeline.wait(timeline.now());
      events = pool->take_events();
    }
    REQUIRE(events.size() == 1);
    CHECK(events.front().id == last);
    auto* const session = std::get_if<std::unique_ptr<Session>>(&events.front().result);
    REQUIRE(session != nullptr);
    return std::move(*session);
  }

  /// What the relay says to a command.
  std::string say(Session& session, const std::string& command) {
    session.send(command + "\r\n");
    timeline.wait(timeline.now());
    std::array<char, 200> buffer;
    return {buffer.data(), session.receive(buffer)};
  }

  /// A session is opened, used for MAIL, and left in this way.
  void use(SessionEnd end = SessionEnd::Transaction) {
    const auto session = open();
    REQUIRE(say(*session, kMail) == "250 2.1.0 Ok\r\n");
    session->finish(end);
  }

  fake::Timeline timeline;
  fake::FakeDialer dialer{timeline};
  fake::FakeRelay& one = dialer.relay(kOne);
  fake::FakeRelay& other = dialer.relay(kOther);
  std::string account = "us";
  RelaySettings settings;
  Relay relay;
  DialId last = 0;
  std::unique_ptr<SessionPool> pool = std::make_unique<SessionPool>(timeline, dialer, [this](const DialTarget& target) {
    return account.empty() ? "" : target.peer.ip + " " + account;
  });
};

TEST_CASE("a session that was left in step is ready at once for the next message, and tells that it was used") {
  Pooled world;
  const auto first = world.open();
  CHECK_FALSE(first->is_used());
  CHECK(first->is_kept());
  CHECK(world.pool->idle() == 0);
  first->finish(SessionEnd::Clean);
  CHECK(world.pool->idle() == 1);

  world.start();
  CHECK(world.pool->progress(world.last).stage == Stage::Mail);
  std::vector<pollfd> none;
  CHECK(world.pool->interests(none, world.timeline.now()) == world.timeline.now());  // nothing has to be waited for
  const auto events = world.pool->take_events();
  REQUIRE(events.size() == 1);
  const auto* const again = std::get_if<std::unique_ptr<Session>>(&events.front().result);
  REQUIRE(again != nullptr);
  CHECK((*again)->is_used());
  CHECK(world.pool->idle() == 0);
  CHECK(world.one.dialled.size() == 1);
  CHECK(world.one.commands.empty());
}

TEST_CASE("a kept session serves its own key alone") {
  Pooled world;
  world.use();
  SECTION("another address") {
    CHECK_FALSE(world.open("192.0.2.2")->is_used());
    CHECK(world.other.dialled.size() == 1);
  }
  SECTION("another account") {
    world.account = "others";
    CHECK_FALSE(world.open()->is_used());
    CHECK(world.one.dialled.size() == 2);
  }
  CHECK(world.pool->idle() == 1);
}

TEST_CASE("two deliveries at once have a session each, and the one used last is used first") {
  Pooled world;
  auto first = world.open();
  auto second = world.open();
  CHECK(world.one.dialled.size() == 2);
  second->finish(SessionEnd::Clean);
  first->finish(SessionEnd::Clean);
  CHECK(world.pool->idle() == 2);
  CHECK(world.open()->is_used());
  CHECK(world.pool->idle() == 1);
  CHECK(world.one.dialled.size() == 2);
}

TEST_CASE("without a key a session is not kept: it ends with QUIT") {
  Pooled world;
  world.account.clear();
  const auto session = world.open();
  CHECK_FALSE(session->is_kept());
  session->finish(SessionEnd::Clean);
  CHECK(world.pool->idle() == 0);
  CHECK(world.one.commands == Commands{"QUIT"});
  CHECK_FALSE(world.open()->is_used());
}

TEST_CASE("a session that is not in step is not kept, and nothing is said in it") {
  Pooled world;
  world.use(SessionEnd::Unusable);
  CHECK(world.pool->idle() == 0);
  CHECK(world.one.commands == Commands{kMail});
  CHECK(world.one.open_sessions == 0);
}

TEST_CASE("the last of the messages that a session may have ends it") {
  Pooled world;
  world.settings.session.messages = 3;
  for (const bool kept : {true, true, false}) {
    const auto session = world.open();
    CHECK(session->is_kept() == kept);
    session->finish(SessionEnd::Clean);
    CHECK(world.pool->idle() == (kept ? 1U : 0U));
  }
  CHECK(world.one.dialled.size() == 1);
  CHECK(world.one.commands == Commands{"QUIT"});
  CHECK_FALSE(world.open()->is_used());
}

TEST_CASE("an idle session ends with QUIT when its time has come, and not before") {
  Pooled world;
  world.settings.session.idle = 5s;
  world.settings.session.age = 12s;
  const auto due = [&] {
    std::vector<pollfd> none;
    return world.pool->interests(none, world.timeline.now()) - world.timeline.now();
  };
  world.use(SessionEnd::Clean);
  CHECK(due() == 5s);
  SECTION("since its last transaction") {
    world.passes(4999ms);
    CHECK(world.pool->idle() == 1);
    world.passes(1ms);
    CHECK(world.pool->idle() == 0);
    CHECK(world.one.commands == Commands{kMail, "QUIT"});
    CHECK(world.one.open_sessions == 0);
  }
  SECTION("since it was ready") {
    for (int i = 0; i < 2; ++i) {
      world.passes(4s);
      world.use(SessionEnd::Clean);
    }
    CHECK(world.one.dialled.size() == 1);
    CHECK(due() == 4s);
    world.passes(3999ms);
    CHECK(world.pool->idle() == 1);
    world.passes(1ms);
    CHECK(world.pool->idle() == 0);
    CHECK(world.one.commands.back() == "QUIT");
  }
  SECTION("a transaction that ends after the age ends the session") {
    world.passes(4s);
    const auto session = world.open();
    world.passes(8s);
    CHECK_FALSE(session->is_kept());
    session->finish(SessionEnd::Clean);
    CHECK(world.pool->idle() == 0);
    CHECK(world.one.commands.back() == "QUIT");
  }
}

TEST_CASE("the end of the pool is QUIT for all that are idle") {
  Pooled world;
  world.use(SessionEnd::Clean);
  world.open("192.0.2.2")->finish(SessionEnd::Clean);
  world.pool.reset();
  CHECK(world.one.commands == Commands{kMail, "QUIT"});
  CHECK(world.other.commands == Commands{"QUIT"});
}

/// The places among a relay's connections, and what was said of them.
struct Places final : KeptPlaces {
  bool is_wanted(const std::string& relay) override {
    asked.push_back(relay);
    return wanted;
  }
  void closed(const std::string& relay) override { free.push_back(relay); }
  bool wanted = false;
  std::vector<std::string> asked;
  std::vector<std::string> free;
};

/// Its relay may have only so many connections.
struct Limited : Pooled {
  Limited() {
    relay.name = "limited";
    relay.limits.connections = 1;
    pool = std::make_unique<SessionPool>(
        timeline, dialer, [this](const DialTarget& target) { return target.peer.ip + account; }, &places);
  }
  Places places;
};

TEST_CASE("the session with a relay of few connections is given up where its place is wanted") {
  Limited world;
  world.settings.session.idle = 60s;
  world.use(SessionEnd::Clean);
  CHECK(world.pool->keeps("limited"));
  CHECK_FALSE(world.pool->keeps("another"));
  for (int i = 0; i < 10; ++i) {
    std::vector<pollfd> none;
    CHECK(world.pool->interests(none, world.timeline.now()) <= world.timeline.now() + 500ms);
    world.passes(500ms);
  }
  CHECK(world.places.asked == std::vector<std::string>(10, "limited"));
  CHECK(world.pool->idle() == 1);
  world.places.wanted = true;
  world.passes(500ms);
  CHECK_FALSE(world.pool->keeps("limited"));
  CHECK(world.one.commands == Commands{kMail, "QUIT"});
  CHECK(world.places.free == std::vector<std::string>{"limited"});
}

TEST_CASE("whatever ends an idle session frees its place") {
  Limited world;
  SECTION("its time") { world.settings.session.idle = 1s; }
  SECTION("its relay") { world.one.breaks_at(1s, ""); }
  world.use(SessionEnd::Clean);
  CHECK(world.places.free.empty());
  world.passes(2s);
  CHECK(world.pool->idle() == 0);
  CHECK(world.places.free == std::vector<std::string>{"limited"});
}

TEST_CASE("one place is one connection: a session that cannot be used is closed before another is opened") {
  Limited world;
  world.use(SessionEnd::Clean);
  SECTION("another account") { world.account = "others"; }
  SECTION("another address") {}
  const bool same = world.account != "us";
  const auto other = world.open(same ? "192.0.2.1" : "192.0.2.2");
  CHECK_FALSE(other->is_used());
  CHECK(world.one.commands == Commands{kMail, "QUIT"});
  CHECK(world.places.free.empty());  // the place is the new session's
  other->finish(SessionEnd::Clean);
  CHECK(world.pool->keeps("limited"));
}

TEST_CASE("a relay without such a limit is not asked about") {
  Limited world;
  world.relay.limits.connections = 0;
  world.use(SessionEnd::Clean);
  world.passes(4s);
  CHECK(world.pool->idle() == 1);
  CHECK_FALSE(world.pool->keeps("limited"));
  CHECK(world.places.asked.empty());
}

TEST_CASE("what the relay closed while it was idle is dropped without a word") {
  const std::string last_words = GENERATE("", "421 4.4.2 idle for too long\r\n");
  const bool served = GENERATE(true, false);  // the event loop has found it, or the next message does
  Pooled world;
  world.one.breaks_at(2s, last_words);
  world.use(SessionEnd::Clean);
  if (served) {
    world.passes(3s);
    CHECK(world.pool->idle() == 0);
  } else {
    world.timeline.wait(world.timeline.now() + 3s);
    CHECK(world.pool->idle() == 1);
  }
  CHECK_FALSE(world.open()->is_used());
  CHECK(world.one.dialled.size() == 2);
  CHECK(world.one.commands == Commands{kMail});
}

TEST_CASE("a relay that speaks unasked and does not close is out of step") {
  Pooled world;
  world.one.drips_at("NOOP", "250 2.0.0 Ok\r\n250 2.0.0 and again\r\n", 1s);
  {
    const auto session = world.open();
    session->send("NOOP\r\n");
    session->finish(SessionEnd::Clean);
  }
  world.passes(2s);
  CHECK(world.pool->idle() == 0);
}

TEST_CASE("a transaction that was left open ends with RSET, whose reply is not the next message's") {
  Pooled world;
  world.one.says("RSET", "250-2.0.0 flushed\r\n250 2.0.0 Ok");
  world.use(SessionEnd::Transaction);
  CHECK(world.pool->idle() == 1);
  const bool served = GENERATE(true, false);
  if (served)
    world.passes(1s);
  else
    world.timeline.wait(world.timeline.now());
  const auto again = world.open();
  CHECK(again->is_used());
  CHECK(world.say(*again, kMail) == "250 2.1.0 Ok\r\n");
  CHECK(world.one.commands == Commands{kMail, "RSET", kMail});
  CHECK(world.one.dialled.size() == 1);
}

TEST_CASE("a session whose RSET has no good reply is not used again") {
  const std::string reply = GENERATE("421 4.3.2 closing", "500 5.5.2 what", "250 2.0.0 Ok\r\n250 2.0.0 more");
  const bool served = GENERATE(true, false);
  Pooled world;
  world.one.says("RSET", reply);
  world.use(SessionEnd::Transaction);
  if (served) {
    world.passes(1s);
    CHECK(world.pool->idle() == 0);
  }
  world.timeline.wait(world.timeline.now());
  CHECK_FALSE(world.open()->is_used());
  CHECK(world.one.commands == Commands{kMail, "RSET"});
}

TEST_CASE("a message waits for the RSET of the session it takes, and patience counts from there") {
  Pooled world;
  world.one.says("RSET", "250 2.0.0 Ok", 3s);
  world.use(SessionEnd::Transaction);
  world.passes(1s);
  world.start();
  const Instant taken = world.timeline.now();
  CHECK(world.pool->idle() == 0);
  world.passes(1s);
  CHECK(world.pool->take_events().empty());
  CHECK(world.pool->progress(world.last).stage == Stage::Mail);
  CHECK(world.pool->progress(world.last).step == taken);
  SECTION("it is answered") {
    world.passes(1s);
    const auto events = world.pool->take_events();
    REQUIRE(events.size() == 1);
    CHECK(std::get<std::unique_ptr<Session>>(events.front().result)->is_used());
    CHECK(world.one.dialled.size() == 1);
  }
  SECTION("the message is given up") {
    CHECK(world.pool->cancel(world.last) == Stage::Mail);
    CHECK(world.pool->idle() == 1);
    world.passes(1s);
    CHECK(world.open()->is_used());
  }
}

TEST_CASE("a message that waits for RSET gets a new session where none is to be had of it") {
  Pooled world;
  SECTION("the relay says something else") { world.one.says("RSET", "421 4.3.2 closing", 3s); }
  SECTION("it says nothing for long") { world.one.says("RSET", "250 2.0.0 Ok", 1min); }
  world.use(SessionEnd::Transaction);
  world.start();
  std::vector<pollfd> none;
  const Instant due = world.pool->interests(none, world.timeline.now());
  CHECK(due > world.timeline.now());
  world.passes(due - world.timeline.now());
  CHECK(world.pool->take_events().empty());
  CHECK(world.one.dialled.size() == 2);
  world.timeline.wait(world.timeline.now());
  const auto events = world.pool->take_events();
  REQUIRE(events.size() == 1);
  CHECK(events.front().id == world.last);
  CHECK_FALSE(std::get<std::unique_ptr<Session>>(events.front().result)->is_used());
}

TEST_CASE("a kept session that is given up before anybody has it goes back") {
  Pooled world;
  world.use(SessionEnd::Clean);
  world.passes(1s);
  world.start();
  CHECK(world.pool->idle() == 0);
  CHECK(world.pool->cancel(world.last) == Stage::Mail);
  CHECK(world.pool->take_events().empty());
  CHECK(world.pool->idle() == 1);
  CHECK(world.one.commands == Commands{kMail});
  CHECK(world.open()->is_used());
}

TEST_CASE("what is dialled and given up is given up at the dialer") {
  Pooled world;
  world.one.silent_at(Stage::Greeting);
  world.start();
  CHECK(world.pool->progress(world.last).stage == Stage::Connect);
  CHECK(world.pool->cancel(world.last) == Stage::Connect);
  CHECK(world.one.cancelled == std::vector<Stage>{Stage::Connect});
  CHECK(world.pool->take_events().empty());
}

TEST_CASE("a failure to open a session is handed on as it is") {
  Pooled world;
  fake::FakeRelay& dead = world.dialer.relay("192.0.2.3:587");
  dead.refused();
  world.start("192.0.2.3");
  world.timeline.wait(world.timeline.now());
  const auto events = world.pool->take_events();
  REQUIRE(events.size() == 1);
  const auto* const why = std::get_if<SessionFailure>(&events.front().result);
  REQUIRE(why != nullptr);
  CHECK(why->error == SessionError::Unconnected);
}

}  // namespace
}  // namespace relaypipe
