// The spine over fakes: relays that are found by DNS, or are not.
#include "catch.h"
#include "deliver/deliver.h"
#include "flow/flow.h"

namespace relaypipe::flow {
namespace {

using Catch::Matchers::StartsWith;

Answer none(LookupStatus status, std::string detail = "not found") { return {status, std::move(detail), {}, {}, {}}; }

TEST_CASE("the recipient's own domain does not exist, or takes no mail: bounced") {
  Flow flow("example.org");
  flow.message_at(30s);
  SECTION("NXDOMAIN") {
    for (const RecordType type : {RecordType::Mx, RecordType::A, RecordType::Aaaa})
      flow.services.resolver.has(type, "example.org", none(LookupStatus::NotFound, "Host not found"),
                                 type == RecordType::Mx ? 40ms : 0ms);
    CHECK_THAT(flow.run(), StartsWith("bounced 5.1.2 Host or domain name not found. Name service error for "
                                      "name=example.org type=") &&
                               contains(": Host not found"));
  }
  SECTION("null MX") {
    flow.services.resolver.mx("example.org", {{0, ""}}, 40ms);
    CHECK(flow.run() == "bounced 5.1.10 Domain example.org does not accept mail (nullMX)");
  }
  CHECK(flow.services.timeline.elapsed() == 40ms);
}

TEST_CASE("the same answers for a configured relay are the relay's trouble: next one, or deferred") {
  const bool null_mx = GENERATE(false, true);
  Flow flow("relay.example.net, [192.0.2.2]:587");
  if (null_mx)
    flow.services.resolver.mx("relay.example.net", {{0, ""}});
  else
    for (const RecordType type : {RecordType::Mx, RecordType::A, RecordType::Aaaa})
      flow.services.resolver.has(type, "relay.example.net", none(LookupStatus::NotFound));
  SECTION("the next one takes it") {
    flow.second();
    CHECK_THAT(flow.run(),
               StartsWith("delivered 2.0.0 192.0.2.2[192.0.2.2]:587: 250 ") && contains("tried relay.example.net: "));
  }
  SECTION("there is no next one") { CHECK_THAT(flow.run(), StartsWith("deferred 4.4.1 ")); }
}

TEST_CASE("DNS says nothing: the next relay starts after the patience, and DNS has its limit") {
  Flow flow("[dark.example]:587, [192.0.2.2]:587");
  SECTION("the next one takes it") {
    flow.second();
    CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2"));
    CHECK(flow.services.timeline.elapsed() == 2s);
  }
  SECTION("there is no next one") {
    CHECK(flow.run() ==
          "deferred 4.4.3 looking up dark.example: no answer from DNS in time; tried 192.0.2.2: "
          "Connection refused");
    CHECK(flow.services.timeline.elapsed() == 20s);
  }
}

TEST_CASE("a failing name server costs nothing but its own time") {
  Flow flow("[a.example]:587, [192.0.2.2]:587");
  flow.second();
  for (const RecordType type : {RecordType::A, RecordType::Aaaa})
    flow.services.resolver.has(type, "a.example", none(LookupStatus::Failed, "SERVFAIL"), 15ms);
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2") &&
                             contains("tried a.example: name service error for name=a.example type="));
  CHECK(flow.services.timeline.elapsed() == 15ms);
}

TEST_CASE("MX hosts in their order; a failed transaction is not repeated at the same host") {
  Flow flow("relay.example.net");
  auto& resolver = flow.services.resolver;
  resolver.mx("relay.example.net", {{20, "mx2.example.net"}, {10, "mx1.example.net"}, {30, "mx3.example.net"}});
  resolver.addresses("mx1.example.net", {"192.0.2.11", "192.0.2.12"});
  resolver.addresses("mx2.example.net", {"192.0.2.2"});
  resolver.addresses("mx3.example.net", {"192.0.2.3"});
  flow.relay("192.0.2.11:25").says("MAIL", "451 4.3.0 no");
  flow.relay("192.0.2.12:25").says("MAIL", "451 4.3.0 no");
  auto& second = flow.relay("192.0.2.2:25");
  auto& third = flow.relay("192.0.2.3:25");
  SECTION("the second host takes it") {
    CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 mx2.example.net[192.0.2.2]:25: 250 ") &&
                               contains("tried mx1.example.net: 451 4.3.0 no (MAIL FROM)"));
  }
  SECTION("mx_session_limit ends it") {
    second.says("MAIL", "451 4.3.0 no");
    CHECK_THAT(flow.run(), StartsWith("deferred 4.3.0 host mx2.example.net[192.0.2.2]:25 said: 451"));
    CHECK(third.dialled.empty());
  }
  SECTION("no mx_session_limit") {
    flow.settings.mx_session_limit = 0;
    second.says("MAIL", "451 4.3.0 no");
    CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 mx3.example.net[192.0.2.3]:25: 250 "));
  }
  CHECK(flow.relay("192.0.2.11:25").dialled.size() + flow.relay("192.0.2.12:25").dialled.size() == 1);
}

TEST_CASE("a dead IPv6 address costs 250 ms, a refused one nothing") {
  Flow flow("[a.example]:587");
  flow.services.resolver.addresses("a.example", {"192.0.2.1"}, {"2001:db8::1"});
  flow.first();
  auto& v6 = flow.relay("2001:db8::1:587");
  SECTION("dead") {
    v6.silent_at(Stage::Connect);
    CHECK(flow.run() == "delivered 2.0.0 a.example[192.0.2.1]:587: 250 2.0.0 Ok: queued as FAKE");
    CHECK(flow.services.timeline.elapsed() == 250ms);
  }
  SECTION("refused") {
    v6.refused();
    CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 a.example[192.0.2.1]:587: 250 "));
    CHECK(flow.services.timeline.elapsed() == 0ms);
  }
}

TEST_CASE("TLS that breaks is tried without TLS at the same address where tls = may") {
  Flow flow("[192.0.2.1]:587");
  flow.first().fails({Stage::Tls, SessionError::TlsFailed, "handshake failure"}, 10ms).ready_after(10ms);
  SECTION("may") {
    CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 "));
    REQUIRE(flow.first().targets.size() == 2);
    CHECK(flow.first().targets[0].tls == TlsLevel::May);
    CHECK(flow.first().targets[1].tls == TlsLevel::None);
  }
  SECTION("encrypt and verify") {
    flow.settings.tls = GENERATE(TlsLevel::Encrypt, TlsLevel::Verify);
    CHECK(flow.run() == "deferred 4.7.5 Cannot start TLS with 192.0.2.1[192.0.2.1]:587: handshake failure");
    CHECK(flow.first().targets.size() == 1);
  }
}

TEST_CASE("credentials are never the reason for clear text, whatever the level") {
  Flow flow;
  flow.first()
      .fails({Stage::Tls, SessionError::TlsFailed, "handshake failure", std::nullopt, false, true}, 10ms)
      .ready_after(10ms);
  flow.second();
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2"));
  CHECK(flow.first().targets.size() == 1);
}

TEST_CASE("the relay is dialled with the settings that hold for it") {
  Flow flow("smtps:[192.0.2.1]");
  flow.settings.bind_address = {"2001:db8::9", "192.0.2.9"};
  flow.settings.limits.greeting = 7s;
  auto& relay = flow.relay("192.0.2.1:465");
  flow.run();
  REQUIRE(relay.targets.size() == 1);
  CHECK(relay.targets[0].implicit_tls);
  CHECK(relay.targets[0].bind_address == "192.0.2.9");
  CHECK(relay.targets[0].helo_name == "me.example");
  CHECK(relay.targets[0].limits.greeting == 7s);
  CHECK(relay.targets[0].peer.text() == "192.0.2.1[192.0.2.1]:465");
}

TEST_CASE("mail that would come back to this host is deferred, and later relays are not asked") {
  Flow flow("example.org, [192.0.2.2]:587");
  flow.second();
  flow.services.resolver.mx("example.org", {{10, "me.example"}, {20, "mx2.example.org"}});
  flow.services.resolver.addresses("me.example", {"192.0.2.77"});
  flow.services.resolver.addresses("mx2.example.org", {"192.0.2.78"});
  CHECK_THAT(flow.run(), StartsWith("deferred 4.4.6 mail for example.org loops back to myself"));
  CHECK(flow.second().count("MAIL") == 0);
}

TEST_CASE("an answer that came during a transaction is heard when the transaction failed") {
  Flow flow("[192.0.2.1]:587, [b.example]:587");
  flow.settings.resolve_limit = 5s;
  flow.first().ready_after(2100ms).says("MAIL", "451 4.3.0 later", 25s);
  flow.services.resolver.addresses("b.example", {"192.0.2.2"}, {}, 200ms);
  flow.second();
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 b.example[192.0.2.2]:587: 250 "));
}

TEST_CASE("a relay that loops does not end the attempt that still runs before it") {
  Flow flow("[192.0.2.1]:587, [me.example], [192.0.2.3]:587");
  flow.services.resolver.addresses("me.example", {"192.0.2.77"});
  flow.third();
  SECTION("the first gets ready") {
    flow.first().ready_after(5s);
    CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.1[192.0.2.1]:587: 250 ") &&
                               contains("tried me.example: loops back to myself"));
  }
  SECTION("the first fails: nobody behind the loop is asked") {
    flow.first().silent_at(Stage::Connect);
    CHECK_THAT(flow.run(), StartsWith("deferred 4.4.6 mail for me.example loops back to myself"));
  }
  CHECK(flow.third().dialled.empty());
}

}  // namespace
}  // namespace relaypipe::flow
