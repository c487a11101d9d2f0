// A delivery that finds a session to its first relay, which an earlier one has left open.
#include <string>
#include <utility>
#include <vector>

#include "deliver/session_pool.h"
#include "flow/history_flow.h"

namespace relaypipe::flow {
namespace {

using Catch::Matchers::StartsWith;
using Commands = std::vector<std::string>;

const char* const kByFirst = "delivered 2.0.0 192.0.2.1[192.0.2.1]:587: 250 ";
const char* const kBySecond = "delivered 2.0.0 192.0.2.2[192.0.2.2]:587: 250 ";

constexpr DialId kEarlier = 1'000'000;  // no race has so many

/// A pool that an event loop looks after: a session that is there wakes who waits for it.
class WakingPool final : public Dialer {
 public:
  explicit WakingPool(fake::FakeWorld& world)
      : timeline_(world.timeline),
        pool_(world.timeline, world.dialer, [](const DialTarget& target) { return target.peer.ip; }) {}

  void start(DialId id, const DialTarget& target) override {
    pool_.start(id, target);
    timeline_.after({}, [] {});
  }
  Stage cancel(DialId id) override { return pool_.cancel(id); }
  [[nodiscard]] Progress progress(DialId id) const override { return pool_.progress(id); }
  std::vector<DialEvent> take_events() override { return pool_.take_events(); }
  [[nodiscard]] std::size_t idle() const { return pool_.idle(); }

 private:
  fake::Timeline& timeline_;
  SessionPool pool_;
};

/// Its first relay is ready at once, and has had one message.
struct Kept : Flow {
  explicit Kept(std::initializer_list<const char*> recipients = {"r@example.org"})
      : Flow(kTwo, recipients), pool(services) {
    services.dials = &pool;
    first().ready_at_once();
    second();
    Relay relay;
    DialTarget target;
    target.peer = {kFirstRelay, "192.0.2.1", "192.0.2.1", 587};
    target.relay = &relay;
    pool.start(kEarlier, target);
    services.timeline.wait(services.timeline.now());
    auto events = pool.take_events();
    std::get<std::unique_ptr<Session>>(events.at(0).result)->finish(SessionEnd::Clean);
  }

  /// How often the first relay is counted as one that failed.
  [[nodiscard]] std::uint64_t failures() const {
    std::uint64_t count = 0;
    for (const auto& [which, times] : delivered.results.failed)
      count += which.first == kFirstRelay ? times : 0;
    return count;
  }

  WakingPool pool;
};

TEST_CASE("a kept session is used at once, and stays for the next message") {
  Kept flow;
  CHECK_THAT(flow.run(), StartsWith(kByFirst));
  CHECK(flow.first().dialled.size() == 1);
  CHECK(flow.first().commands ==
        Commands{"MAIL FROM:<s@example.com>", "RCPT TO:<r@example.org>", "DATA", "(content)", "."});
  CHECK(flow.services.timeline.elapsed() == 0s);
  CHECK(flow.pool.idle() == 1);
  CHECK(flow.failures() == 0);
}

TEST_CASE("a refused recipient leaves a session that the next message can use") {
  Kept flow;
  flow.first().says("RCPT", "550 5.1.1 no such user");
  CHECK_THAT(flow.run(), StartsWith("bounced 5.1.1 "));
  CHECK(flow.first().commands == Commands{"MAIL FROM:<s@example.com>", "RCPT TO:<r@example.org>", "RSET"});
  CHECK(flow.pool.idle() == 1);
}

TEST_CASE("a used session that is lost before the reply to MAIL is dialled anew, and nothing has failed") {
  Capabilities capabilities;
  capabilities.pipelining = GENERATE(false, true);
  Kept flow;
  flow.first().offers(capabilities);
  SECTION("closed") { flow.first().closes_at("MAIL").says("MAIL", "250 2.1.0 Ok"); }
  SECTION("421") { flow.first().says_and_closes("MAIL", "421 4.4.2 idle for too long").says("MAIL", "250 2.1.0 Ok"); }
  SECTION("enough messages") {
    flow.first().says("MAIL", "452 4.5.3 too many messages in this session").says("MAIL", "250 2.1.0 Ok");
  }
  CHECK_THAT(flow.run(), StartsWith(kByFirst));
  CHECK(flow.first().dialled.size() == 2);
  CHECK(flow.first().messages == std::vector<std::string>{std::string(kWire)});
  CHECK(flow.second().dialled.empty());
  CHECK(flow.failures() == 0);
  CHECK(flow.services.changes.empty());
  CHECK(flow.services.journal.lines.size() == 1);  // the result
}

TEST_CASE("the same for each recipient of several") {
  Kept flow({"a@example.org", "b@example.org"});
  flow.first().closes_at("MAIL").says("MAIL", "250 2.1.0 Ok");
  for (const std::string& said : flow.run_for_each())
    CHECK_THAT(said, StartsWith(kByFirst));
  CHECK(flow.first().messages.size() == 1);
  CHECK(flow.failures() == 0);
}

TEST_CASE("a new session that is lost before the reply to MAIL has failed") {
  Kept flow;
  // First the kept one, then the one that was dialled for it.
  flow.first().closes_at("MAIL");
  CHECK_THAT(flow.run(), StartsWith(kBySecond));
  CHECK(flow.first().dialled.size() == 2);
  CHECK(flow.first().count("MAIL") == 2);
  CHECK(flow.failures() == 1);
}

TEST_CASE("a used session that is lost after the reply to MAIL has failed") {
  Kept flow;
  SECTION("closed at RCPT") { flow.first().closes_at("RCPT"); }
  SECTION("421 to RCPT") { flow.first().says_and_closes("RCPT", "421 4.3.2 closing"); }
  SECTION("closed at DATA") { flow.first().closes_at("DATA"); }
  CHECK_THAT(flow.run(), StartsWith(kBySecond));
  CHECK(flow.first().dialled.size() == 1);
  CHECK(flow.failures() == 1);
  CHECK(flow.pool.idle() == 1);  // that of the second relay
}

TEST_CASE("a temporary refusal of MAIL is one where a new session has it too, and neither session is kept") {
  Kept flow;
  flow.first().says("MAIL", "451 4.7.1 try later").says("MAIL", "451 4.7.1 try later");
  CHECK_THAT(flow.run(), StartsWith(kBySecond));
  CHECK(flow.first().dialled.size() == 2);
  CHECK(flow.first().count("MAIL") == 2);
  CHECK(flow.failures() == 1);
  CHECK(flow.pool.idle() == 1);  // that of the second relay
}

TEST_CASE("a permanent refusal of MAIL in a used session is one, and leaves it open") {
  Kept flow;
  flow.first().says("MAIL", "550 5.7.1 not this sender");
  CHECK_THAT(flow.run(), StartsWith(kBySecond));
  CHECK(flow.first().dialled.size() == 1);
  CHECK(flow.failures() == 1);
  CHECK(flow.pool.idle() == 2);
}

TEST_CASE("no reply to the dot of a used session is unconfirmed: nobody is sent the message again") {
  Kept flow;
  flow.first().closes_at(".");
  CHECK_THAT(flow.run(), StartsWith("deferred 4.4.2 no reply (connection lost) from 192.0.2.1"));
  CHECK(flow.first().dialled.size() == 1);
  CHECK(flow.second().dialled.empty());
}

TEST_CASE("a relay that is gone since fails when it is dialled anew") {
  Kept flow;
  flow.first().closes_at("MAIL");
  flow.first().fails({Stage::Connect, SessionError::Unconnected, "Connection refused"});
  CHECK_THAT(flow.run(), StartsWith(kBySecond));
  CHECK(flow.first().dialled.size() == 2);
  CHECK(flow.failures() == 1);
}

}  // namespace
}  // namespace relaypipe::flow
