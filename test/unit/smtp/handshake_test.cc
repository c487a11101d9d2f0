#include "smtp/handshake.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.h"

namespace relaypipe {
namespace {

constexpr std::string_view kEhlo = "250-mail.example\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 SIZE 1000\r\n";

TEST_CASE("a plain session is followed to its capabilities") {
  Handshake handshake(false);
  CHECK(handshake.stage() == Stage::Connect);
  CHECK_FALSE(handshake.last_reply());
  handshake.connected();
  CHECK(handshake.stage() == Stage::Greeting);
  CHECK(handshake.received("220 mail.example ESMTP\r\n"));
  CHECK(handshake.last_reply()->code == 220);
  handshake.sent("EHLO me.example\r\n");
  CHECK(handshake.stage() == Stage::Ehlo);
  CHECK(handshake.received(kEhlo));
  CHECK(handshake.capabilities().pipelining);
  CHECK(handshake.capabilities().size_limit == 1000);
  CHECK_FALSE(handshake.authenticated());
}

TEST_CASE("steps are the connection, TLS and whole replies, not octets that drip in") {
  Handshake handshake(false);
  CHECK(handshake.steps() == 0);
  handshake.connected();
  handshake.connected();
  CHECK(handshake.steps() == 1);
  CHECK(handshake.received("220-mail.example\r\n220-"));
  CHECK(handshake.received("go"));
  CHECK(handshake.steps() == 1);
  CHECK(handshake.received(" on\r\n220 ESMTP\r\n"));
  CHECK(handshake.steps() == 2);
  handshake.sent("EHLO me.example\r\n");
  CHECK(handshake.steps() == 2);
  CHECK(handshake.received(kEhlo));
  handshake.sent("STARTTLS\r\n");
  CHECK(handshake.received("220 go\r\n"));
  CHECK(handshake.steps() == 4);
  handshake.sent("EHLO me.example\r\n");
  CHECK(handshake.steps() == 5);  // TLS is done
}

TEST_CASE("implicit TLS is a step of its own") {
  Handshake handshake(true);
  handshake.secured();
  CHECK(handshake.steps() == 0);
  handshake.connected();
  CHECK(handshake.stage() == Stage::Tls);
  handshake.secured();
  handshake.secured();
  CHECK(handshake.stage() == Stage::Greeting);
  CHECK(handshake.steps() == 2);
}

TEST_CASE("however the octets are cut, the same is seen") {
  for (std::size_t at = 0; at <= kEhlo.size(); ++at) {
    Handshake handshake(false);
    handshake.connected();
    handshake.received("220 hello\r\n");
    handshake.sent("EHLO me");
    CHECK(handshake.received(kEhlo.substr(0, at)));
    CHECK(handshake.received(kEhlo.substr(at)));
    if (!handshake.capabilities().pipelining || !handshake.capabilities().size) FAIL("cut at " << at);
  }
}

TEST_CASE("what was announced before TLS does not count after it") {
  Handshake handshake(false);
  handshake.connected();
  handshake.received("220 hello\r\n");
  handshake.sent("EHLO me");
  handshake.received(kEhlo);
  handshake.sent("STARTTLS");
  CHECK(handshake.stage() == Stage::StartTls);
  handshake.received("220 go ahead\r\n");
  CHECK(handshake.stage() == Stage::Tls);
  handshake.sent("EHLO me");
  CHECK(handshake.stage() == Stage::Ehlo);
  CHECK_FALSE(handshake.capabilities().pipelining);
  handshake.received("250-mail.example\r\n250 SIZE 5\r\n");
  CHECK_FALSE(handshake.capabilities().pipelining);
  CHECK(handshake.capabilities().size_limit == 5);
}

TEST_CASE("a refused STARTTLS stays before TLS") {
  const std::string reply = GENERATE("454 4.7.0 not now\r\n", "502 no\r\n");
  Handshake handshake(false);
  handshake.connected();
  handshake.received("220 hello\r\n");
  handshake.sent("EHLO me");
  handshake.received(kEhlo);
  handshake.sent("STARTTLS\r\n");
  handshake.received(reply);
  CHECK(handshake.stage() == Stage::StartTls);
  CHECK(handshake.last_reply()->code == std::stoi(reply));
}

TEST_CASE("implicit TLS comes before the greeting") {
  Handshake handshake(true);
  handshake.connected();
  CHECK(handshake.stage() == Stage::Tls);
  handshake.received("2");
  CHECK(handshake.stage() == Stage::Greeting);
  handshake.received("20 hello\r\n");
  CHECK(handshake.last_reply()->code == 220);
  handshake.connected();  // told twice
  CHECK(handshake.stage() == Stage::Greeting);
}

TEST_CASE("HELO has no capabilities, not even those of the refused EHLO") {
  Handshake handshake(false);
  handshake.connected();
  handshake.received("220 hello\r\n");
  handshake.sent("EHLO me");
  handshake.received("502-no\r\n502 PIPELINING\r\n");
  CHECK_FALSE(handshake.capabilities().pipelining);
  handshake.sent("HELO me");
  CHECK(handshake.stage() == Stage::Ehlo);
  handshake.received("250-mail.example\r\n250 PIPELINING\r\n");
  CHECK_FALSE(handshake.capabilities().pipelining);
}

TEST_CASE("AUTH counts only when it was accepted") {
  struct Row {
    const char* reply;
    bool authenticated;
  };
  const Row row =
      GENERATE(Row{"235 2.7.0 welcome\r\n", true}, Row{"334 \r\n235 ok\r\n", true}, Row{"334 go on\r\n", false},
               Row{"535 5.7.8 no\r\n", false}, Row{"250 what\r\n", true}, Row{"454 later\r\n", false});
  Handshake handshake(false);
  handshake.connected();
  handshake.received("220 hello\r\n235 early\r\n");
  CHECK_FALSE(handshake.authenticated());
  handshake.sent("EHLO me");
  handshake.received(kEhlo);
  handshake.sent("auth PLAIN ****");
  CHECK(handshake.stage() == Stage::Auth);
  handshake.received(row.reply);
  CHECK(handshake.authenticated() == row.authenticated);
}

TEST_CASE("what is no SMTP ends it") {
  struct Row {
    std::string octets;
    ReplyFault fault;
  };
  const Row row = GENERATE(Row{"SSH-2.0-x\r\n", ReplyFault::NotAReply}, Row{"HTTP/1.1 400\r\n", ReplyFault::NotAReply},
                           Row{"220-a\r\nb\r\n", ReplyFault::NotAReply}, Row{"\x16\x03\x01", ReplyFault::NotAReply},
                           Row{"220" + std::string(70000, '-'), ReplyFault::TooLong});
  Handshake handshake(false);
  handshake.connected();
  CHECK_FALSE(handshake.received(row.octets));
  CHECK(handshake.fault() == row.fault);
  CHECK_FALSE(handshake.received("220 sorry\r\n"));
}

/// A session that has come to a stage by one command.
Handshake after(std::string_view command, std::vector<std::string> discarded = {}) {
  Handshake handshake(false, std::move(discarded));
  handshake.connected();
  handshake.received("220 hello\r\n");
  handshake.sent(command);
  return handshake;
}

TEST_CASE("a reply to EHLO is restated line by line, and keeps its length") {
  Handshake handshake = after("EHLO me");
  std::string restated;
  for (const std::string_view line :
       {"250-STARTTLS.example greets you\r\n", "250-starttls\r\n", "250-Size 5\r\n", "250 AUTH=PLAIN login\r\n"}) {
    const std::string one = handshake.restated(line);
    CHECK(one.size() == line.size());
    restated += one;
    handshake.received(line);
  }
  CHECK(restated == "250-                           \r\n250-STARTTLS\r\n250-      \r\n250 AUTH PLAIN LOGIN\r\n");
  CHECK(handshake.capabilities().starttls);
  CHECK(handshake.overlooked_starttls());
}

TEST_CASE("what is no such reply is passed on as it came") {
  CHECK(after("EHLO me").restated("550-starttls\r\n") == "550-starttls\r\n");
  CHECK(after("HELO me").restated("250-starttls\r\n") == "250-starttls\r\n");
  CHECK(after("EHLO me").restated("250\n") == "250\n");
  CHECK(after("EHLO me").restated("") == "");
}

TEST_CASE("codes of the same class mean the same to STARTTLS and AUTH") {
  CHECK(after("STARTTLS").restated("250 go on\r\n") == "220 go on\r\n");
  CHECK(after("STARTTLS").restated("454 not now\r\n") == "454 not now\r\n");
  CHECK(after("AUTH PLAIN x").restated("250-fine\r\n") == "235-fine\r\n");
  CHECK(after("AUTH LOGIN").restated("350 VXNlcg==\r\n") == "334 VXNlcg==\r\n");
  CHECK(after("AUTH LOGIN").restated("535 no\r\n") == "535 no\r\n");
  Handshake handshake = after("AUTH PLAIN x");
  handshake.received("250 fine\r\n");
  CHECK(handshake.authenticated());
  CHECK(handshake.mechanism() == "PLAIN");
}

TEST_CASE("a LOGIN that asks for the user name twice is broken off") {
  Handshake handshake = after("AUTH LOGIN");
  CHECK(handshake.received("334 VXNlcm5hbWU6\r\n"));
  CHECK_FALSE(handshake.bad_challenge());
  handshake.sent("dXNlcg==");
  CHECK_FALSE(handshake.received("334 VXNlcm5hbWU6\r\n"));
  CHECK(handshake.bad_challenge());
}

TEST_CASE("why there is no TLS") {
  Handshake none = after("EHLO me");
  none.received("250 relay\r\n");
  CHECK(none.clear_reason() == "STARTTLS is not offered");
  CHECK_FALSE(none.overlooked_starttls());
  Handshake refused = after("EHLO me");
  refused.received("250-relay\r\n250 STARTTLS\r\n");
  refused.sent("STARTTLS");
  refused.received("454 4.7.0 not today\r\n");
  CHECK(refused.clear_reason() == "STARTTLS was refused (454 4.7.0 not today)");
  CHECK_FALSE(refused.overlooked_starttls());
  CHECK(after("HELO me").clear_reason() == "EHLO was refused");
  CHECK(after("EHLO me", {"STARTTLS"}).clear_reason() == "discard_ehlo_keywords names starttls");
}

}  // namespace
}  // namespace relaypipe
