// The spine over fakes: what each answer inside the transaction does to the message and to the other relays.
#include "catch.h"
#include "deliver/deliver.h"
#include "flow/flow.h"

namespace relaypipe::flow {
namespace {

using Catch::Matchers::StartsWith;

const std::vector<std::string> kVerbs = {"MAIL", "RCPT", "DATA", "."};

/// Both ways of speaking have the same results.
Capabilities pipelining(bool offered) {
  Capabilities all;
  all.pipelining = offered;
  return all;
}

TEST_CASE("4yz at each stage: the next relay takes the message") {
  const std::string verb = GENERATE(from_range(kVerbs));
  const bool pipelined = GENERATE(false, true);
  const std::string reply = GENERATE("451 4.3.0 try later", "450 4.2.1 busy", "452 4.3.1 full", "421 4.3.2 going down");
  CAPTURE(verb, reply, pipelined);
  Flow flow;
  flow.first().offers(pipelining(pipelined)).says(verb, reply);
  flow.second();
  CHECK_THAT(flow.run(),
             StartsWith("delivered 2.0.0 192.0.2.2[192.0.2.2]:587: 250 ") && contains("tried 192.0.2.1: " + reply));
  CHECK(flow.first().messages.empty());
  CHECK(flow.second().commands == whole_transaction());
  CHECK(flow.services.timeline.elapsed() == 0s);
  const bool quits = reply.front() == '4' && reply.substr(0, 3) != "421";
  if (!pipelined) CHECK(flow.first().count("QUIT") == (quits ? 1U : 0U));
}

TEST_CASE("4yz at each stage of every relay: deferred with the last one's words") {
  const std::string verb = GENERATE(from_range(kVerbs));
  Flow flow;
  flow.first().says(verb, "451 4.3.0 first");
  flow.second().says(verb, "451 4.7.1 second");
  const std::string said = flow.run();
  CHECK_THAT(said, StartsWith("deferred 4.7.1 host 192.0.2.2[192.0.2.2]:587 said: 451 4.7.1 second (in reply to ") &&
                       contains("; tried 192.0.2.1: 451 4.3.0 first ("));
}

TEST_CASE("5yz that names the recipient or the message: bounced, and no other relay is even dialled") {
  struct Row {
    const char* verb;
    const char* reply;
    const char* verdict;
  };
  const Row row = GENERATE(
      Row{"RCPT", "550 5.1.1 no such user",
          "bounced 5.1.1 host 192.0.2.1[192.0.2.1]:587 said: 550 5.1.1 no such user (in reply to RCPT TO command)"},
      Row{"DATA", "550 5.2.1 mailbox disabled",
          "bounced 5.2.1 host 192.0.2.1[192.0.2.1]:587 said: 550 5.2.1 mailbox disabled (in reply to DATA command)"},
      Row{".", "550 5.6.0 bad content",
          "bounced 5.6.0 host 192.0.2.1[192.0.2.1]:587 said: 550 5.6.0 bad content (in reply to end of DATA command)"});
  const bool pipelined = GENERATE(false, true);
  Flow flow;
  flow.first().offers(pipelining(pipelined)).says(row.verb, row.reply);
  flow.second();
  CHECK(flow.run() == row.verdict);
  CHECK(flow.second().dialled.empty());
  CHECK(flow.first().messages.empty());
}

TEST_CASE("5yz that names neither: the next relay takes the message") {
  const std::string verb = GENERATE(from_range(kVerbs));
  const std::string reply = GENERATE("554 5.7.1 refused", "550 no", "550 5.7.26 unauthenticated");
  const bool pipelined = GENERATE(false, true);
  CAPTURE(verb, reply, pipelined);
  Flow flow;
  flow.first().offers(pipelining(pipelined)).says(verb, reply);
  SECTION("one that takes it") {
    flow.second();
    CHECK_THAT(flow.run(),
               StartsWith("delivered 2.0.0 192.0.2.2[192.0.2.2]:587: 250 ") && contains("tried 192.0.2.1: " + reply));
    CHECK(flow.first().messages.empty());
    CHECK(flow.second().commands == whole_transaction());
  }
  SECTION("one that refuses it too: bounced") {
    flow.second().says(verb, "554 5.7.1 neither here");
    CHECK_THAT(flow.run(), StartsWith("bounced 5.7.1 host 192.0.2.2[192.0.2.2]:587 said: 554 5.7.1 neither here"));
  }
  SECTION("one that is down: deferred, since it has not refused the message") {
    flow.second().refused();
    CHECK_THAT(flow.run(), StartsWith("deferred 4."));
  }
}

TEST_CASE("5yz about us or the relay is asked of the next one, and never final") {
  const std::string reply =
      GENERATE("554 5.7.1 <vm>: Helo command rejected: Host not found", "550 5.7.25 Reverse DNS validation failed",
               "554 5.3.2 System not accepting network messages", "554 5.7.1 <r@example.org>: Relay access denied");
  Flow flow;
  flow.first().says("RCPT", reply);
  SECTION("the next one takes it") {
    flow.second();
    CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2"));
  }
  SECTION("all say so") {
    flow.second().says("RCPT", reply);
    CHECK_THAT(flow.run(), StartsWith("deferred 4."));
  }
}

TEST_CASE("2yz of any kind after the dot is acceptance, and the last line's code is the reply's") {
  Flow flow;
  flow.second();
  SECTION("two codes of acceptance") {
    flow.first().says(".", "250-2.0.0 Ok\r\n251 2.0.0 queued");
    CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.1"));
  }
  SECTION("a refusal after all") {
    flow.first().says(".", "250-2.0.0 Ok\r\n554 5.7.1 but no");
    CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2") && contains("250-2.0.0 Ok 554 5.7.1 but no"));
  }
}

TEST_CASE("5yz by a relay that won the race: the other one, running too, gets no MAIL") {
  Flow flow;
  flow.first().silent_at(Stage::Greeting);
  flow.second().says("RCPT", "550 5.1.1 no such user");
  CHECK_THAT(flow.run(), StartsWith("bounced 5.1.1 host 192.0.2.2[192.0.2.2]:587 said: 550 5.1.1 no such user"));
  CHECK(flow.first().commands.empty());
  CHECK(flow.first().dialled.size() == 1);
}

TEST_CASE("replies about the session are never the message's") {
  const std::string verb = GENERATE(from_range(kVerbs));
  const std::string reply = GENERATE("530 5.7.0 authenticate first", "503 5.5.1 bad sequence", "500 5.5.2 what",
                                     "502 5.5.1 no", "521 5.3.2 takes no mail", "555 5.5.4 parameter");
  CAPTURE(verb, reply);
  Flow flow;
  flow.first().says(verb, reply);
  flow.second().says(verb, reply);
  CHECK_THAT(flow.run(), StartsWith("deferred 4."));
  CHECK(flow.second().dialled.size() == 1);
}

TEST_CASE("a connection lost before the dot: the next relay takes the message") {
  const std::string verb = GENERATE("MAIL", "RCPT", "DATA");
  const bool pipelined = GENERATE(false, true);
  CAPTURE(verb, pipelined);
  Flow flow;
  flow.first().offers(pipelining(pipelined)).closes_at(verb, 10ms);
  flow.second();
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2[192.0.2.2]:587: 250 ") &&
                             contains("tried 192.0.2.1: lost connection while sending"));
  CHECK(flow.first().count("QUIT") == 0);
}

TEST_CASE("a connection lost inside the content: the next relay gets all of it") {
  Flow flow;
  flow.first().reads_only(5).breaks_at(20s);
  flow.second();
  CHECK_THAT(flow.run(), contains("tried 192.0.2.1: lost connection while sending message body"));
  CHECK(flow.first().content == "Subje");
  CHECK(flow.first().count(".") == 0);
  CHECK(flow.second().messages == std::vector<std::string>{std::string(kWire)});
}

TEST_CASE("a connection lost after the dot is unconfirmed: deferred, and no other relay gets the message") {
  const bool pipelined = GENERATE(false, true);
  Flow flow;
  flow.first().offers(pipelining(pipelined)).closes_at(".", 1s);
  flow.second();
  CHECK(flow.run() ==
        "deferred 4.4.2 no reply (connection lost) from 192.0.2.1[192.0.2.1]:587 while sending end of data -- message "
        "may be sent more than once");
  CHECK(flow.second().dialled.empty());
  CHECK_THAT(flow.services.journal.lines.back().second, contains("attempt=unconfirmed"));
}

TEST_CASE("no reply to the dot at all is unconfirmed when its limit has passed") {
  Flow flow;
  flow.first().stalls_at(".");
  flow.second();
  CHECK_THAT(flow.run(), StartsWith("deferred 4.4.2 no reply (timed out) from 192.0.2.1[192.0.2.1]:587"));
  CHECK(flow.services.timeline.elapsed() == 600s);
  CHECK(flow.second().dialled.empty());
}

TEST_CASE("an unexpected reply to the dot proves nothing: unconfirmed") {
  const std::string reply = GENERATE("354 more", "hello", "250-broken\r\n354 off");
  Flow flow;
  flow.first().says(".", reply);
  flow.second();
  CHECK_THAT(flow.run(), StartsWith("deferred 4.4.2 "));
  CHECK(flow.second().dialled.empty());
}

TEST_CASE("silence before the dot lasts stall_limit while another relay is left, the stage's own limit otherwise") {
  struct Row {
    const char* verb;
    Duration limit;
  };
  const Row row = GENERATE(Row{"MAIL", 300s}, Row{"RCPT", 300s}, Row{"DATA", 120s});
  CAPTURE(row.verb);
  SECTION("another relay is left") {
    Flow flow;
    flow.first().stalls_at(row.verb);
    flow.second();
    CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2[192.0.2.2]:587: 250 ") && contains("timed out while"));
    CHECK(flow.services.timeline.elapsed() == 30s);
  }
  SECTION("it is the last one") {
    Flow flow("[192.0.2.1]:587");
    flow.first().stalls_at(row.verb);
    CHECK_THAT(flow.run(), StartsWith("deferred 4.4.2 conversation with 192.0.2.1[192.0.2.1]:587 timed out while"));
    CHECK(flow.services.timeline.elapsed() == row.limit);
  }
}

TEST_CASE("a relay that stops reading the content is left after data_xfer") {
  Flow flow("[192.0.2.1]:587");
  flow.first().reads_only(5);
  CHECK_THAT(flow.run(), StartsWith("deferred 4.4.2 conversation with 192.0.2.1[192.0.2.1]:587 timed out while sending "
                                    "message body"));
  CHECK(flow.services.timeline.elapsed() == 180s);
  CHECK(flow.first().count(".") == 0);
}

TEST_CASE("a relay that refuses in the middle of the content is heard") {
  Flow flow;
  flow.first().reads_only(5).drips_in_content("552 5.2.2 over quota\r\n", 1s);
  flow.second();
  CHECK(flow.run() ==
        "bounced 5.2.2 host 192.0.2.1[192.0.2.1]:587 said: 552 5.2.2 over quota (in reply to DATA command)");
  CHECK(flow.services.timeline.elapsed() == 1s);
  CHECK(flow.second().dialled.empty());
}

TEST_CASE("after acceptance nothing makes a failure of it") {
  SECTION("the connection closes instead of QUIT") {
    Flow flow;
    flow.first().says_and_closes(".", "250 2.0.0 done");
    CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 "));
  }
  SECTION("QUIT is never answered") {
    Flow flow;
    flow.first().stalls_at("QUIT");
    CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 "));
    CHECK(flow.services.timeline.elapsed() == 0s);
  }
}

TEST_CASE("replies that no client can obey go to the next relay") {
  const std::string verb = GENERATE("MAIL", "RCPT", "DATA");
  const std::string reply = GENERATE("334 what", "hello", "999 odd", "250-a\r\nb");
  CAPTURE(verb, reply);
  Flow flow;
  flow.first().says(verb, reply);
  flow.second();
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2[192.0.2.2]:587: 250 "));
  CHECK(flow.first().count("QUIT") == 0);
}

TEST_CASE("octets that drip in do not stretch a stage") {
  const std::string verb = GENERATE("MAIL", "RCPT");
  Flow flow;
  flow.second();
  SECTION("while a reply is awaited") {
    flow.first().drips_at(verb, "250-more\r\n", 20s);
    CHECK_THAT(flow.run(), contains("tried 192.0.2.1: timed out while sending " + verb));
    CHECK(flow.services.timeline.elapsed() == 30s);
  }
  SECTION("while the content is not taken") {
    flow.first().reads_only(5).drips_in_content("4", 20s);
    CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2"));
    CHECK(flow.services.timeline.elapsed() <= 40s);
  }
}

TEST_CASE("each reply has its own time: many recipients may take longer together than one may") {
  Flow flow;
  Capabilities capabilities;
  capabilities.pipelining = GENERATE(false, true);
  for (int i = 0; i < 40; ++i)
    flow.envelope.recipients.push_back(*parse_address("r" + std::to_string(i) + "@example.org"));
  flow.first().offers(capabilities).says("RCPT", "250 2.1.5 Ok", 10s);
  flow.second();
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.1[192.0.2.1]:587: 250 "));
  CHECK(flow.services.timeline.elapsed() == 410s);
}

TEST_CASE("a relay that floods cannot keep the delivery from going on") {
  const std::string verb = GENERATE("MAIL", "RCPT", "DATA");
  const std::string octets = GENERATE("250-more\r\n", "250 again\r\n", "rubbish\r\n", "451 4.3.0 no\r\n", "4");
  CAPTURE(verb, octets);
  Flow flow;
  flow.first().reads_only(5).drips_at(verb, octets, 0s);
  flow.second();
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2"));
  CHECK(flow.services.timeline.elapsed() <= 30s);
}

TEST_CASE("content that never left this machine is a lost connection, and the dot stays here") {
  const bool pipelined = GENERATE(false, true);
  const std::size_t path = GENERATE(0U, 5U);
  Flow flow;
  flow.first().offers(pipelining(pipelined)).blocks_after(path);
  flow.second();
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2[192.0.2.2]:587: 250 ") && contains("tried 192.0.2.1"));
  CHECK(flow.first().count(".") == 0);
  CHECK(flow.first().messages.empty());
  // The path takes all of the content in the second case, and keeps the dot.
  CHECK(flow.services.timeline.elapsed() == (path == 0 ? flow.settings.stall_limit : flow.settings.limits.data_done));
}

}  // namespace
}  // namespace relaypipe::flow
