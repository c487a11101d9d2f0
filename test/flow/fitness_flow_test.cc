// The spine over fakes: several recipients, relays that cannot take the message, and what the journal and the trace
// say.
#include "catch.h"
#include "deliver/deliver.h"
#include "flow/flow.h"

namespace relaypipe::flow {
namespace {

using Catch::Matchers::StartsWith;

Capabilities small(std::uint64_t limit) {
  Capabilities all;
  all.size = true;
  all.size_limit = limit;
  return all;
}

TEST_CASE("all recipients accepted: one transaction for all") {
  Flow flow(kTwo, {"a@example.org", "b@example.org", "c@example.org"});
  Capabilities capabilities;
  capabilities.pipelining = GENERATE(false, true);
  flow.first().offers(capabilities);
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 "));
  CHECK(flow.first().count("RCPT") == 3);
  CHECK(flow.first().messages.size() == 1);
}

TEST_CASE("some recipients refused: nothing is sent, and the text says what to set") {
  struct Row {
    const char* first;
    const char* second;
    const char* verdict;
  };
  const Row row = GENERATE(
      Row{"550 5.1.1 no", "550 5.1.1 no",
          "bounced 5.1.1 host 192.0.2.1[192.0.2.1]:587 said: 550 5.1.1 no (in reply to RCPT TO command)"},
      Row{"250 ok", "550 5.1.1 no",
          "deferred 4.1.1 host 192.0.2.1[192.0.2.1]:587 said: 550 5.1.1 no (in reply to RCPT TO command); nothing was "
          "sent"},
      Row{"550 5.1.1 no", "250 ok", "deferred 4.1.1 "}, Row{"550 5.1.1 no", "450 4.2.0 later", "deferred 4.1.1 "});
  CAPTURE(row.first, row.second);
  Flow flow(kTwo, {"a@example.org", "b@example.org"});
  flow.first().says("RCPT", row.first).says("RCPT", row.second);
  flow.second();
  const std::string said = flow.run();
  CHECK_THAT(said, StartsWith(row.verdict));
  const bool mixed = row.first[0] != row.second[0];
  CHECK((said.find("relaypipe_destination_recipient_limit = 1") != std::string::npos) == mixed);
  CHECK(flow.first().count("DATA") == 0);
  CHECK(flow.second().dialled.empty());
}

TEST_CASE("one recipient soft at the first relay: the second one is asked for all of them") {
  Flow flow(kTwo, {"a@example.org", "b@example.org"});
  flow.first().says("RCPT", "250 ok").says("RCPT", "450 4.2.0 greylisted");
  flow.second();
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2"));
  CHECK(flow.first().count("DATA") == 0);
  CHECK(flow.second().count("RCPT") == 2);
}

TEST_CASE("a relay that announces a smaller SIZE is skipped without MAIL") {
  Flow flow;
  flow.first().offers(small(10));
  flow.second().offers(small(1000));
  CHECK(flow.run() ==
        "delivered 2.0.0 192.0.2.2[192.0.2.2]:587: 250 2.0.0 Ok: queued as FAKE; tried 192.0.2.1: takes "
        "only 10 octets");
  CHECK(flow.first().commands == std::vector<std::string>{"QUIT"});
  CHECK(flow.second().commands.front() == "MAIL FROM:<s@example.com> SIZE=33");
}

TEST_CASE("too big for every relay is the message's own fault; for some only, it is not") {
  Flow flow;
  flow.first().offers(small(10));
  SECTION("both announce it") {
    flow.second().offers(small(20));
    CHECK(flow.run() ==
          "bounced 5.3.4 message size 33 exceeds size limit 20 of server 192.0.2.2[192.0.2.2]:587; tried "
          "192.0.2.1: takes only 10 octets");
  }
  SECTION("one announces it, one says so") {
    flow.second().says("MAIL", "552 5.3.4 too big");
    CHECK_THAT(flow.run(), StartsWith("bounced 5.3.4 host 192.0.2.2[192.0.2.2]:587 said: 552 5.3.4 too big"));
  }
  SECTION("the other one is dead") {
    CHECK_THAT(flow.run(), StartsWith("deferred 4.3.4 message size 33 exceeds size limit 10 of server 192.0.2.1") &&
                               contains("tried 192.0.2.2: Connection refused"));
  }
  SECTION("the other one has another reason") {
    flow.second().says("RCPT", "451 4.7.1 greylisted");
    CHECK_THAT(flow.run(), StartsWith("deferred 4.7.1 "));
  }
}

TEST_CASE("an internationalized address needs a relay with SMTPUTF8") {
  Flow flow(kTwo, {"gr\xc3\xbc\xc3\x9f@example.org"});
  Capabilities utf8;
  utf8.smtputf8 = true;
  flow.first();
  SECTION("the second one has it") {
    flow.second().offers(utf8);
    CHECK_THAT(flow.run(), contains("tried 192.0.2.1: does not offer SMTPUTF8"));
    CHECK(flow.second().commands.front() == "MAIL FROM:<s@example.com> SMTPUTF8");
  }
  SECTION("nobody has it") {
    flow.second();
    CHECK_THAT(flow.run(), StartsWith("bounced 5.6.7 SMTPUTF8 is required, but was not offered by host 192.0.2.2"));
  }
  CHECK(flow.first().count("MAIL") == 0);
}

TEST_CASE("the journal has one line for every attempt") {
  Flow flow(kThree, {"a@example.org", "b@example.org"});
  flow.first().refused(30ms);
  flow.second().says("MAIL", "451 4.3.0 later", 2s);
  flow.third().ready_after(500ms);
  flow.run();
  using Level = Journal::Level;
  const std::vector<std::pair<Level, std::string>> expected{
      {Level::Warning,
       "4Xyz: to=<a@example.org>, nrcpt=2, relay=192.0.2.1[192.0.2.1]:587, delay=0.03, delays=0/0/0.03/0, "
       "dsn=4.4.1, cause=network, attempt=failed (connect to 192.0.2.1[192.0.2.1]:587: Connection refused)"},
      {Level::Warning,
       "4Xyz: to=<a@example.org>, nrcpt=2, relay=192.0.2.2[192.0.2.2]:587, delay=2, delays=0/0/0/2, "
       "tls=none, dsn=4.3.0, attempt=failed (host 192.0.2.2[192.0.2.2]:587 said: 451 4.3.0 later (in reply to "
       "MAIL FROM command))"},
      {Level::Info,
       "4Xyz: to=<a@example.org>, nrcpt=2, relay=192.0.2.3[192.0.2.3]:587, delay=0.5, delays=0/0/0.5/0, "
       "tls=none, dsn=2.0.0, attempt=accepted (192.0.2.3[192.0.2.3]:587: 250 2.0.0 Ok: queued as FAKE)"}};
  CHECK(flow.services.journal.lines == expected);
  CHECK(flow.delivered.delays.setup == 2530ms);
  CHECK(flow.delivered.delays.transfer == 0s);
  CHECK(flow.delivered.delays.total == 2530ms);
}

TEST_CASE("the trace shows the dialogue line by line and the content as a note") {
  Flow flow;
  flow.first().says("RCPT", "250-one\r\n250 two");
  flow.run();
  const std::vector<std::string> expected{"192.0.2.1 > MAIL FROM:<s@example.com>",
                                          "192.0.2.1 < 250 2.1.0 Ok",
                                          "192.0.2.1 > RCPT TO:<r@example.org>",
                                          "192.0.2.1 < 250-one",
                                          "192.0.2.1 < 250 two",
                                          "192.0.2.1 > DATA",
                                          "192.0.2.1 < 354 go on",
                                          "192.0.2.1 * content, 34 octets",
                                          "192.0.2.1 > .",
                                          "192.0.2.1 < 250 2.0.0 Ok: queued as FAKE"};
  CHECK(flow.services.trace.lines == expected);
}

TEST_CASE("a large content goes out whole, whatever the pieces are") {
  Flow flow;
  flow.first();
  flow.services.message.in_pieces_of(GENERATE(1U, 7U, 4096U));
  std::string content = "Subject: large\n\n";
  for (int i = 0; i < 2000; ++i)
    content += ".line " + std::to_string(i) + "\n";
  flow.message_at(0s, content);
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 "));
  REQUIRE(flow.first().messages.size() == 1);
  CHECK(flow.first().messages.front() == flow.services.message.wire());
}

}  // namespace
}  // namespace relaypipe::flow
