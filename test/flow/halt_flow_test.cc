// The spine over fakes: everything that stops a delivery other than the relays. None of it may bounce, and before the
// dot none of it may leave a committed message.
#include "catch.h"
#include "deliver/deliver.h"
#include "flow/flow.h"

namespace relaypipe::flow {
namespace {

using Catch::Matchers::StartsWith;

TEST_CASE("a truncated message is not sent") {
  struct Row {
    const char* content;
    std::uint64_t announced;
    const char* why;
  };
  const Row row =
      GENERATE(Row{"Subject: x\n\nHello", 30, "its last line has no line end"},
               Row{"Subject: x\n\nHello\n", 40000, "octets came (as Postfix counts them) of 40000 announced"});
  const bool late = GENERATE(false, true);
  Flow flow;
  flow.first();
  flow.second();
  flow.envelope.announced_size = row.announced;
  flow.message_at(late ? 5s : 0s, row.content);
  CHECK_THAT(flow.run(), StartsWith("deferred 4.3.0 the message is truncated: ") && contains(row.why) &&
                             contains("; nothing was sent"));
  CHECK(flow.first().count("MAIL") == 0);
  CHECK(flow.second().dialled.empty());
}

TEST_CASE("a message that is whole as far as can be told is sent") {
  Flow flow;
  flow.first();
  const std::string content = "Subject: x\n\nHello\n";
  flow.envelope.announced_size = GENERATE(18U, 22U, 26U, 40U);
  flow.message_at(0s, content);
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 "));
}

TEST_CASE("a message that cannot be kept is deferred") {
  Flow flow;
  flow.scripted = true;
  flow.first();
  flow.services.timeline.at(3s, [&] { flow.services.message.breaks("write /var/tmp: No space left on device"); });
  CHECK(flow.run() == "deferred 4.3.0 the message cannot be kept: write tmp: No space left on device");
  CHECK(flow.first().commands.empty());
}

TEST_CASE("a message that cannot be read back is broken off before the dot") {
  Flow flow;
  flow.first();
  flow.second();
  flow.services.message.unreadable_from(10);
  CHECK_THAT(flow.run(), StartsWith("deferred 4.3.0 the message cannot be kept: it cannot be read back"));
  CHECK(flow.first().count(".") == 0);
  CHECK(flow.first().messages.empty());
  CHECK(flow.second().dialled.empty());
}

struct Halted {
  Parent::State state;
  const char* verdict;
};
const std::vector<Halted> kHalts = {
    {Parent::State::Gone, "deferred 4.3.2 the writer of the message is gone; nothing was sent"},
    {Parent::State::Terminating,
     "deferred 4.3.2 delivery was interrupted by a signal before a relay took the message"}};

TEST_CASE("the caller is gone, or a signal comes, while sessions are opened or the message comes in") {
  const Halted halted = GENERATE(from_range(kHalts));
  Flow flow;
  flow.first().silent_at(Stage::Greeting);
  flow.second().ready_after(3s);
  flow.message_at(60s);
  SECTION("before the first is ready") {
    flow.caller_becomes(halted.state, 1s);
    CHECK_THAT(flow.run(), StartsWith(halted.verdict));
    CHECK(flow.services.timeline.elapsed() == 1s);
  }
  SECTION("with a ready session") {
    flow.caller_becomes(halted.state, 30s);
    CHECK_THAT(flow.run(), StartsWith(halted.verdict));
    CHECK(flow.services.timeline.elapsed() == 30s);
  }
  SECTION("together with the end of the message: EOF is what a dying writer leaves") {
    flow.caller_becomes(halted.state, 60s);
    CHECK_THAT(flow.run(), StartsWith(halted.verdict));
  }
  CHECK(flow.first().count("MAIL") + flow.second().count("MAIL") == 0);
}

TEST_CASE("the caller is gone, or a signal comes, in the transaction before the dot: no dot") {
  const Halted halted = GENERATE(from_range(kHalts));
  const std::string verb = GENERATE("MAIL", "RCPT", "DATA");
  Flow flow;
  flow.first().says(verb, verb == "DATA" ? "354 go" : "250 Ok", 10s);
  flow.second();
  flow.caller_becomes(halted.state, 5s);
  CHECK_THAT(flow.run(), StartsWith(halted.verdict));
  CHECK(flow.first().count(".") == 0);
  CHECK(flow.second().dialled.empty());
  CHECK(flow.services.timeline.elapsed() == 5s);
}

TEST_CASE("the caller is gone, or a signal comes, after the event loop has looked: no dot") {
  const Halted halted = GENERATE(from_range(kHalts));
  Flow flow;
  flow.first();
  flow.second();
  flow.services.parent.becomes_unseen(halted.state);
  CHECK_THAT(flow.run(), StartsWith(halted.verdict));
  CHECK(flow.first().count("DATA") == 1);
  CHECK(flow.first().count(".") == 0);
  CHECK(flow.second().dialled.empty());
}

TEST_CASE("the caller is gone inside the content: no dot") {
  const Halted halted = GENERATE(from_range(kHalts));
  Flow flow;
  flow.first().reads_only(GENERATE(0U, 5U, 33U));
  flow.second();
  flow.caller_becomes(halted.state, 5s);
  CHECK_THAT(flow.run(), StartsWith(halted.verdict));
  CHECK(flow.first().count(".") == 0);
  CHECK(flow.second().dialled.empty());
}

TEST_CASE("after the dot the relay's reply counts, if it comes soon") {
  const Halted halted = GENERATE(from_range(kHalts));
  Flow flow;
  flow.second();
  flow.caller_becomes(halted.state, 5s);
  SECTION("2yz in time is a delivery") {
    flow.first().says(".", "250 2.0.0 Ok", 14s);
    CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 "));
    CHECK(flow.services.timeline.elapsed() == 14s);
  }
  SECTION("5yz in time is a refusal") {
    flow.first().says(".", "550 5.7.1 spam", 14s);
    CHECK_THAT(flow.run(), StartsWith("bounced 5.7.1 "));
  }
  SECTION("4yz in time does not start another relay") {
    flow.first().says(".", "451 4.7.1 later", 14s);
    CHECK_THAT(flow.run(), StartsWith(halted.verdict));
    CHECK(flow.second().dialled.empty());
  }
  SECTION("silence ends after ten seconds, unconfirmed") {
    flow.first().says(".", "250 2.0.0 Ok", 60s);
    CHECK_THAT(flow.run(), StartsWith("deferred 4.4.2 no reply (timed out)"));
    CHECK(flow.services.timeline.elapsed() == 15s);
  }
}

TEST_CASE("the deadline ends every phase, always deferred") {
  Flow flow("[192.0.2.1]:587");
  flow.services.run_settings.deadline = 20s;
  std::string verdict = "deferred 4.4.2 the deadline of 20s passed before a relay took the message";
  SECTION("lookup") {
    flow.nexthop = "[a.example]:587";
    flow.settings.resolve_limit = 60s;
  }
  SECTION("connect") { flow.first().silent_at(Stage::Connect); }
  SECTION("greeting") { flow.first().silent_at(Stage::Greeting); }
  SECTION("the message does not come") {
    flow.first();
    flow.scripted = true;
  }
  SECTION("MAIL") { flow.first().stalls_at("MAIL"); }
  SECTION("RCPT") { flow.first().stalls_at("RCPT"); }
  SECTION("DATA") { flow.first().stalls_at("DATA"); }
  SECTION("content") { flow.first().reads_only(3); }
  SECTION("dot") {
    flow.first().stalls_at(".");
    verdict = "deferred 4.4.2 no reply (timed out) from 192.0.2.1[192.0.2.1]:587";
  }
  CHECK_THAT(flow.run(), StartsWith(verdict));
  CHECK(flow.services.timeline.elapsed() == 20s);
  CHECK(flow.first().messages.empty());
}

TEST_CASE("a deadline that has passed before anything began") {
  Flow flow;
  flow.first();
  flow.services.run_settings.deadline = 0s;
  CHECK_THAT(flow.run(), StartsWith("deferred 4.4.2 the deadline of "));
  CHECK(flow.first().dialled.empty());
}

TEST_CASE("failures before the halt are told in the verdict") {
  Flow flow;
  flow.first().refused();
  flow.second().silent_at(Stage::Greeting);
  flow.caller_becomes(Parent::State::Terminating, 3s);
  CHECK_THAT(flow.run(), StartsWith(kHalts[1].verdict) && contains("192.0.2.1: Connection refused"));
}

}  // namespace
}  // namespace relaypipe::flow
