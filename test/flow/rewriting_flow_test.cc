// The spine over fakes: relays that get other senders than those of the message.
#include <algorithm>

#include "catch.h"
#include "deliver/deliver.h"
#include "flow/flow.h"

namespace relaypipe::flow {
namespace {

using Catch::Matchers::StartsWith;

constexpr std::string_view kFrom = "From: S <s@example.com>\nSubject: x\n\n.Hello.\n";
constexpr std::string_view kAsItIs = "From: S <s@example.com>\r\nSubject: x\r\n\r\n..Hello.\r\n";
constexpr std::string_view kOther =
    "From: S <alerts@b.example>\r\nReply-To: S <s@example.com>\r\nSubject: x\r\n\r\n..Hello.\r\n";

const SenderRewriting kRewriting{{"bounces@b.example", {}}, {"alerts@b.example", {}}};

TEST_CASE("a relay gets other senders, and the next one the message as it is") {
  Flow flow;
  flow.rewriting = {kRewriting};
  Capabilities size;
  size.size = true;
  flow.first().offers(size).says(".", "451 4.3.0 later");
  flow.second().offers(size);
  flow.message_at({}, kFrom);
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2"));
  CHECK(flow.first().commands[0] == "MAIL FROM:<bounces@b.example> SIZE=" + std::to_string(kOther.size() - 1));
  CHECK(flow.first().content == kOther);
  CHECK(flow.second().commands[0] == "MAIL FROM:<s@example.com> SIZE=" + std::to_string(kAsItIs.size() - 1));
  CHECK(flow.second().content == kAsItIs);
  REQUIRE(flow.services.journal.lines.size() == 2);
  CHECK_THAT(flow.services.journal.lines[0].second,
             contains(", tls=none, envelope_sender=<bounces@b.example>, header_from=<alerts@b.example>, dsn=4.3.0"));
  CHECK(flow.services.journal.lines[1].second.find("envelope_sender=") == std::string::npos);
}

TEST_CASE("bounces are never rewritten") {
  Flow flow;
  flow.rewriting = {kRewriting};
  flow.envelope.sender = Address();
  flow.first();
  flow.message_at({}, kFrom);
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.1"));
  CHECK(flow.first().commands[0] == "MAIL FROM:<>");
  CHECK(flow.first().content == kAsItIs);
}

TEST_CASE("a sender of ours that is refused returns no message") {
  Flow flow("[192.0.2.1]:587");
  SECTION("the message's own sender is refused for good") {
    flow.first().says("MAIL", "550 5.1.0 no");
    CHECK_THAT(flow.run(), StartsWith("bounced 5.1.0 "));
  }
  SECTION("the one that was put in its place waits for the administrator") {
    flow.rewriting = {kRewriting};
    flow.first().says("MAIL", "550 5.1.0 no");
    CHECK_THAT(flow.run(), StartsWith("deferred 4.7.0 host 192.0.2.1[192.0.2.1]:587 said: 550 5.1.0 no"));
    CHECK_THAT(flow.services.journal.lines.at(0).second, contains("cause=sender-not-allowed"));
  }
  SECTION("where the rules leave it as it is, it is the message's own") {
    flow.rewriting = {{{{}, {{*parse_address_pattern("@c.example"), "@b.example"}}}, {}}};
    flow.first().says("MAIL", "550 5.1.0 no");
    CHECK_THAT(flow.run(), StartsWith("bounced 5.1.0 "));
  }
}

TEST_CASE("a From that cannot be read is told, and goes as it is") {
  Flow flow;
  flow.rewriting = {{{}, {"@b.example", {}}}};
  flow.first();
  flow.message_at({}, "From: a@x <b@x>\n\n");
  CHECK_THAT(flow.run(), StartsWith("delivered"));
  CHECK(flow.first().content == "From: a@x <b@x>\r\n\r\n");
  REQUIRE(flow.services.journal.lines.size() == 2);
  CHECK(flow.services.journal.lines[0].second ==
        "4Xyz: host 192.0.2.1[192.0.2.1]:587: header_from: From has no comma before \"<\"; the message goes with it as "
        "it is");
}

TEST_CASE("an address probe has the sender of its relay") {
  Flow flow;
  flow.rewriting = {kRewriting};
  flow.verify = true;
  flow.each_recipient = true;
  flow.first();
  flow.message_at({}, "");
  flow.deliver_it();
  CHECK(flow.first().commands[0] == "MAIL FROM:<bounces@b.example>");
}

TEST_CASE("the trace tells what was rewritten") {
  Flow flow("[192.0.2.1]:587");
  flow.rewriting = {kRewriting};
  flow.first();
  flow.message_at({}, kFrom);
  flow.deliver_it();
  CHECK(std::find(flow.services.trace.lines.begin(), flow.services.trace.lines.end(),
                  "192.0.2.1 * rewritten, envelope_sender=<bounces@b.example>, header_from=<alerts@b.example>") !=
        flow.services.trace.lines.end());
}

}  // namespace
}  // namespace relaypipe::flow
