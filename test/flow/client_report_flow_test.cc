// The spine over fakes: what relays are told of the client, and that their opinion of it is never the message's fault.
#include "catch.h"
#include "deliver/deliver.h"
#include "flow/flow.h"

namespace relaypipe::flow {
namespace {

using Catch::Matchers::StartsWith;
using Lines = std::vector<std::string>;

const std::string kXforward = "XFORWARD NAME=client.example ADDR=192.0.2.99";
const std::string kXclient = "XCLIENT ADDR=192.0.2.99 NAME=client.example";

struct Reporting : Flow {
  explicit Reporting(ClientReport report) {
    settings.client_report = report;
    envelope.client.address = "192.0.2.99";
    envelope.client.name = "client.example";
  }
};

std::string journal_of(const Flow& flow) {
  std::string text;
  for (const auto& [level, line] : flow.services.journal.lines)
    text += line + "\n";
  return text;
}

Capabilities offering(bool pipelining) {
  Capabilities all;
  all.pipelining = pipelining;
  all.xforward = {"NAME", "ADDR"};
  all.xclient = {"NAME", "ADDR"};
  return all;
}

Lines after(const Lines& before) {
  Lines all = before;
  all.insert(all.end(), whole_transaction().begin(), whole_transaction().end());
  return all;
}

TEST_CASE("XFORWARD goes before MAIL, and a relay that refuses it gets the message all the same") {
  const bool pipelining = GENERATE(false, true);
  const std::string reply = GENERATE("250 2.0.0 Ok", "501 5.5.4 bad", "550 5.7.0 no", "451 4.3.0 later");
  CAPTURE(pipelining, reply);
  Reporting flow(ClientReport::Xforward);
  flow.first().offers(offering(pipelining)).says("XFORWARD", reply);
  CHECK_THAT(flow.run(), StartsWith("delivered "));
  CHECK(flow.first().commands == after({kXforward}));
  CHECK(flow.second().commands.empty());
  const std::string journal = journal_of(flow);
  CHECK((journal.find(reply + " (in reply to XFORWARD command)") != std::string::npos) == (reply.front() != '2'));
}

TEST_CASE("a relay that breaks off at XFORWARD is the relay's trouble") {
  const bool pipelining = GENERATE(false, true);
  CAPTURE(pipelining);
  Reporting flow(ClientReport::Xforward);
  SECTION("421") { flow.first().offers(offering(pipelining)).says_and_closes("XFORWARD", "421 4.3.2 leaving"); }
  SECTION("closed") { flow.first().offers(offering(pipelining)).closes_at("XFORWARD"); }
  SECTION("silent") { flow.first().offers(offering(pipelining)).stalls_at("XFORWARD"); }
  flow.second();
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2"));
  CHECK(flow.second().messages.size() == 1);
  CHECK(flow.first().messages.empty());
}

TEST_CASE("XCLIENT begins the session anew, and what is offered then counts") {
  Reporting flow(ClientReport::Xclient);
  flow.first().offers(offering(true)).says("XCLIENT", "220 mx again").says("EHLO", "250-mx\r\n250 SIZE 100000");
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.1"));
  REQUIRE(flow.first().commands.size() > 3);
  CHECK(flow.first().commands[0] == kXclient);
  CHECK(flow.first().commands[1] == "EHLO me.example");
  CHECK_THAT(flow.first().commands[2], StartsWith("MAIL FROM:<s@example.com> SIZE="));
}

TEST_CASE("a relay that refuses XCLIENT gets the message without") {
  Reporting flow(ClientReport::Xclient);
  flow.first().offers(offering(true)).says("XCLIENT", "550 5.7.0 insufficient authorization");
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.1"));
  CHECK(flow.first().commands == after({kXclient}));
  CHECK_THAT(journal_of(flow), contains("in reply to XCLIENT command"));
}

TEST_CASE("a client that a relay does not want is no reason to bounce its message") {
  Reporting flow(ClientReport::Xclient);
  flow.first().offers(offering(true)).says("XCLIENT", "220 mx").says("EHLO", "554 5.7.1 client rejected");
  SECTION("the next relay takes it") {
    flow.second();
    CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2"));
  }
  SECTION("or it waits") {
    flow.second().refused();
    CHECK_THAT(flow.run(), StartsWith("deferred 4."));
  }
}

TEST_CASE("XCLIENT without an end is the relay's trouble") {
  Reporting flow(ClientReport::Xclient);
  SECTION("closed") { flow.first().offers(offering(true)).closes_at("XCLIENT"); }
  SECTION("silent") { flow.first().offers(offering(true)).stalls_at("XCLIENT"); }
  SECTION("closed at EHLO") { flow.first().offers(offering(true)).says("XCLIENT", "220 mx").closes_at("EHLO"); }
  SECTION("leaving") { flow.first().offers(offering(true)).says_and_closes("XCLIENT", "421 4.3.2 leaving"); }
  SECTION("garbage") { flow.first().offers(offering(true)).says("XCLIENT", "hello there"); }
  flow.second();
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2"));
}

TEST_CASE("nothing is told that was not configured, or is not offered") {
  SECTION("not configured") {
    Reporting flow(ClientReport::None);
    flow.first().offers(offering(false));
    CHECK_THAT(flow.run(), StartsWith("delivered "));
    CHECK(flow.first().commands == whole_transaction());
  }
  SECTION("not offered") {
    const ClientReport report = GENERATE(ClientReport::Xforward, ClientReport::Xclient);
    Reporting flow(report);
    flow.first();
    CHECK_THAT(flow.run(), StartsWith("delivered "));
    CHECK(flow.first().commands == whole_transaction());
  }
}

}  // namespace
}  // namespace relaypipe::flow
