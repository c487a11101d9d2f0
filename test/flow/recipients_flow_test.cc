// A result for each recipient: who was accepted is done, who was refused for good too, the others go on without them.
#include <string>
#include <vector>

#include "flow/history_flow.h"

namespace relaypipe::flow {
namespace {

using Catch::Matchers::StartsWith;

const char* const kTaken = "delivered 2.0.0 192.0.2.1[192.0.2.1]:587: 250 ";
const char* const kTakenBySecond = "delivered 2.0.0 192.0.2.2[192.0.2.2]:587: 250 ";

struct Three : Flow {
  explicit Three(std::string list = kTwo)
      : Flow(std::move(list), {"a@example.org", "b@example.org", "c@example.net"}) {}
};

std::vector<std::string> rcpt_of(const fake::FakeRelay& relay) {
  std::vector<std::string> asked;
  for (const std::string& command : relay.commands) {
    if (command.starts_with("RCPT")) asked.push_back(command.substr(8));
  }
  return asked;
}

TEST_CASE("all recipients are accepted: one transaction, and a success for each") {
  Three flow;
  flow.first();
  const auto said = flow.run_for_each();
  REQUIRE(said.size() == 3);
  for (const std::string& one : said)
    CHECK_THAT(one, StartsWith(kTaken));
  CHECK(flow.first().messages == std::vector<std::string>{std::string(kWire)});
  CHECK(flow.services.parent.accepted_for == std::vector<std::size_t>{0, 1, 2});
  CHECK(flow.delivered.logged);
}

TEST_CASE("one is refused for good, one is deferred: the next relay is asked for the deferred one alone") {
  Three flow;
  flow.first().says("RCPT", "250 ok").says("RCPT", "550 5.1.1 no such user").says("RCPT", "450 4.2.1 later");
  flow.second();
  const auto said = flow.run_for_each();
  REQUIRE(said.size() == 3);
  CHECK_THAT(said[0], StartsWith(kTaken));
  CHECK(said[1] ==
        "bounced 5.1.1 host 192.0.2.1[192.0.2.1]:587 said: 550 5.1.1 no such user (in reply to RCPT TO command)");
  CHECK_THAT(said[2], StartsWith(kTakenBySecond) && contains("tried 192.0.2.1: 450 4.2.1 later"));
  CHECK(flow.first().messages.size() == 1);
  CHECK(rcpt_of(flow.second()) == std::vector<std::string>{"<c@example.net>"});
  CHECK(flow.second().messages.size() == 1);
  CHECK(flow.services.parent.accepted_for == std::vector<std::size_t>{0, 2});
  CHECK_FALSE(flow.delivered.logged);
}

TEST_CASE("nobody is sent to twice: who was accepted is not named to the next relay, whatever the others meet") {
  const std::string third = GENERATE("450 4.2.1 later", "554 5.7.1 refused");
  Three flow;
  flow.first().says("RCPT", "250 ok").says("RCPT", "250 ok").says("RCPT", third);
  flow.second().says("RCPT", "451 4.3.0 try later");
  const auto said = flow.run_for_each();
  REQUIRE(said.size() == 3);
  CHECK_THAT(said[0], StartsWith(kTaken));
  CHECK_THAT(said[1], StartsWith(kTaken));
  CHECK_THAT(said[2], StartsWith("deferred 4."));
  CHECK(rcpt_of(flow.second()) == std::vector<std::string>{"<c@example.net>"});
}

TEST_CASE("all are refused at the first relay, each in its own way") {
  Three flow;
  flow.first().says("RCPT", "550 5.1.1 no such user").says("RCPT", "450 4.2.1 later").says("RCPT", "554 5.7.1 no");
  flow.second();
  const auto said = flow.run_for_each();
  REQUIRE(said.size() == 3);
  CHECK_THAT(said[0], StartsWith("bounced 5.1.1 "));
  CHECK_THAT(said[1], StartsWith(kTakenBySecond));
  CHECK_THAT(said[2], StartsWith(kTakenBySecond));
  CHECK(flow.first().messages.empty());
  CHECK(rcpt_of(flow.second()) == std::vector<std::string>{"<b@example.org>", "<c@example.net>"});
}

TEST_CASE("no reply to the dot: unconfirmed for those that were accepted, the others go on") {
  Three flow;
  flow.first().says("RCPT", "250 ok").says("RCPT", "250 ok").says("RCPT", "450 4.2.1 later").closes_at(".");
  flow.second();
  const auto said = flow.run_for_each();
  REQUIRE(said.size() == 3);
  for (std::size_t place : {0U, 1U})
    CHECK_THAT(said[place], StartsWith("deferred 4.4.2 no reply (connection lost) from 192.0.2.1"));
  CHECK_THAT(said[2], StartsWith(kTakenBySecond));
  CHECK(rcpt_of(flow.second()) == std::vector<std::string>{"<c@example.net>"});
}

TEST_CASE("the message is refused after the dot: for those that were accepted") {
  Three flow;
  flow.first().says("RCPT", "250 ok").says("RCPT", "450 4.2.1 later").says("RCPT", "250 ok").says(".", "550 5.6.0 bad");
  flow.second();
  const auto said = flow.run_for_each();
  REQUIRE(said.size() == 3);
  CHECK_THAT(said[0], StartsWith("bounced 5.6.0 "));
  CHECK_THAT(said[1], StartsWith(kTakenBySecond));
  CHECK_THAT(said[2], StartsWith("bounced 5.6.0 "));
}

TEST_CASE("a halt between two relays stops those that are left, and leaves the others their result") {
  Three flow;
  flow.first().says("RCPT", "250 ok").says("RCPT", "450 4.2.1 later").says(".", "250 taken", 3s);
  flow.second();
  flow.caller_becomes(Parent::State::Terminating, 2s);
  const auto said = flow.run_for_each();
  REQUIRE(said.size() == 3);
  CHECK_THAT(said[0], StartsWith(kTaken));
  for (std::size_t place : {1U, 2U})
    CHECK_THAT(said[place], StartsWith("deferred 4.3.2 delivery was interrupted by a signal"));
  CHECK(flow.second().messages.empty());
}

TEST_CASE("an earlier delivery left something about one of several: each is to be delivered alone") {
  Deliveries all(kFirstRelay);
  const auto next = [&](std::initializer_list<const char*> recipients) -> Flow& {
    Flow& flow = all.next();
    flow.envelope.queue_id = "4Same";
    flow.envelope.recipients.clear();
    for (const char* recipient : recipients)
      flow.envelope.recipients.push_back(*parse_address(recipient));
    return flow;
  };
  Flow& flow = next({"a@example.org", "b@example.org"});
  flow.first().says("RCPT", "250 ok").says("RCPT", "450 4.2.1 later").closes_at(".");
  REQUIRE(flow.run_for_each().size() == 2);
  Flow& again = next({"a@example.org", "b@example.org"});
  again.first();
  CHECK(again.run_for_each().empty());
  CHECK(again.first().sessions == 0);
  Flow& alone = next({"b@example.org"});
  alone.first();
  CHECK_THAT(alone.run_for_each().at(0), StartsWith(kTaken));
}

TEST_CASE("an address verification asks a relay, sends nothing, and leaves nothing behind") {
  Three flow;
  flow.verify = true;
  flow.first().says("RCPT", "250 ok").says("RCPT", "550 5.1.1 no such user").says("RCPT", "450 4.2.1 later");
  flow.second().says("RCPT", "451 4.3.0 try later");
  const auto said = flow.run_for_each();
  REQUIRE(said.size() == 3);
  CHECK(said[0] == "delivered 2.0.0 host 192.0.2.1[192.0.2.1]:587 said: 250 ok (in reply to RCPT TO command)");
  CHECK_THAT(said[1], StartsWith("bounced 5.1.1 "));
  CHECK_THAT(said[2], StartsWith("deferred 4."));
  CHECK(flow.first().count("DATA") == 0);
  CHECK(flow.second().count("DATA") == 0);
  CHECK(flow.services.parent.accepted_for.empty());
  CHECK(flow.services.lock.asked.empty());
}

}  // namespace
}  // namespace relaypipe::flow
