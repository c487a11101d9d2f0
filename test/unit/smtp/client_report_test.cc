#include "smtp/client_report.h"

#include <string>
#include <string_view>
#include <vector>

#include "catch.h"

namespace relaypipe {
namespace {

using Commands = std::vector<std::string>;

Envelope from_client() {
  Envelope envelope;
  envelope.queue_id = "4XyzQ";
  envelope.client = {"192.0.2.9", "client.example", "helo.example", "4711", "ESMTP", "joe"};
  return envelope;
}

Capabilities all() {
  Capabilities relay;
  relay.xforward = {"NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE"};
  relay.xclient = {"NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN"};
  return relay;
}

TEST_CASE("xtext hides what would end or divide an attribute") {
  CHECK(xtext("mail.example") == "mail.example");
  CHECK(xtext("a b+c=d") == "a+20b+2Bc+3Dd");
  CHECK(xtext("x\r\nMAIL") == "x+0D+0AMAIL");
  CHECK(xtext("\xc3\xbc") == "+C3+BC");
  CHECK(xtext(std::string("\0\x7f", 2)) == "+00+7F");
  CHECK(xtext("").empty());
}

TEST_CASE("XFORWARD tells what is known and offered") {
  CHECK(xforward_commands(from_client(), all()) ==
        Commands{"XFORWARD NAME=client.example ADDR=192.0.2.9 PORT=4711 PROTO=ESMTP HELO=helo.example IDENT=4XyzQ "
                 "SOURCE=REMOTE"});
  Capabilities few;
  few.xforward = {"ADDR", "HELO", "FUTURE"};
  CHECK(xforward_commands(from_client(), few) == Commands{"XFORWARD ADDR=192.0.2.9 HELO=helo.example"});
  CHECK(xforward_commands(from_client(), {}).empty());
}

TEST_CASE("XFORWARD says plainly what is not known") {
  Envelope envelope = from_client();
  envelope.client = {"2001:db8::9", "unknown", "", "", "", ""};
  CHECK(xforward_commands(envelope, all()) ==
        Commands{"XFORWARD NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::9 PORT=[UNAVAILABLE] PROTO=[UNAVAILABLE] "
                 "HELO=[UNAVAILABLE] IDENT=4XyzQ SOURCE=REMOTE"});
}

TEST_CASE("a message made here has no client to be told") {
  Envelope envelope;
  envelope.queue_id = "4XyzQ";
  CHECK(xforward_commands(envelope, all()) == Commands{"XFORWARD IDENT=4XyzQ SOURCE=LOCAL"});
  envelope.client.address = "127.0.0.1";
  CHECK(xforward_commands(envelope, all()).back().ends_with("SOURCE=LOCAL"));
  CHECK_FALSE(xclient_command(Envelope(), all()));
}

TEST_CASE("a client's words cannot become commands, nor lines too long") {
  Envelope envelope = from_client();
  envelope.client.helo = "x\r\nRSET";
  envelope.client.name = std::string(250, '=');
  const Commands commands = xforward_commands(envelope, all());
  CHECK(commands.size() > 1);
  for (const std::string& command : commands) {
    CHECK(command.starts_with("XFORWARD "));
    CHECK(command.find_first_of("\r\n") == std::string::npos);
  }
  CHECK(xclient_command(envelope, all())->find_first_of("\r\n") == std::string::npos);
  envelope.client.name = std::string(300, 'x');
  CHECK(xforward_commands(envelope, all()).front().starts_with("XFORWARD NAME=[UNAVAILABLE] "));
}

TEST_CASE("XCLIENT tells who the client is, as far as one line goes") {
  CHECK(xclient_command(from_client(), all()) ==
        "XCLIENT ADDR=192.0.2.9 NAME=client.example PORT=4711 PROTO=ESMTP LOGIN=joe HELO=helo.example");
  Envelope envelope = from_client();
  envelope.client.name = "unknown";
  envelope.client.sasl_username.clear();
  envelope.client.protocol = "ESMTPSA";
  envelope.client.helo = std::string(250, '+');
  CHECK(xclient_command(envelope, all()) == "XCLIENT ADDR=192.0.2.9 NAME=[UNAVAILABLE] PORT=4711 PROTO=ESMTP");
  Capabilities nameless;
  nameless.xclient = {"NAME"};
  CHECK_FALSE(xclient_command(from_client(), nameless));
}

/// Says `replies` one after another, each after what is to be sent has gone, and tells how it ended and what was said.
std::string played(const std::vector<std::string_view>& replies, std::size_t piece) {
  XclientExchange exchange("XCLIENT ADDR=192.0.2.9", "me.example");
  std::string said;
  for (std::string_view octets : replies) {
    said += exchange.output();
    exchange.sent(exchange.output().size());
    for (; !octets.empty(); octets.remove_prefix(std::min(piece, octets.size())))
      exchange.receive(octets.substr(0, piece));
  }
  const char* const states[] = {"waiting", "done", "refused", "lost"};
  return states[static_cast<int>(exchange.state())] +
         (exchange.reply() ? " " + std::to_string(exchange.reply()->code) : std::string()) + " after " + said;
}

TEST_CASE("XCLIENT begins the session anew") {
  const std::size_t piece = GENERATE(1U, 3U, 1000U);
  CAPTURE(piece);
  const std::string first = "XCLIENT ADDR=192.0.2.9\r\n";
  const std::string both = first + "EHLO me.example\r\n";
  CHECK(played({"220 mx.example\r\n", "250-mx.example\r\n250 PIPELINING\r\n"}, piece) == "done 250 after " + both);
  CHECK(played({"220 mx.example\r\n"}, piece) == "waiting after " + first);
  CHECK(played({"550 5.7.0 no\r\n"}, piece) == "refused 550 after " + first);
  CHECK(played({"501-bad\r\n501 syntax\r\n"}, piece) == "refused 501 after " + first);
  CHECK(played({"421 4.3.0 leaving\r\n"}, piece) == "lost 421 after " + first);
  CHECK(played({"220 mx\r\n", "554 5.7.1 client rejected\r\n"}, piece) == "lost 554 after " + both);
  CHECK(played({"hello\r\n"}, piece) == "lost after " + first);
}

TEST_CASE("after XCLIENT only the new offers count") {
  XclientExchange exchange("XCLIENT ADDR=192.0.2.9", "me.example");
  exchange.sent(exchange.output().size());
  exchange.receive("220 mx\r\n");
  exchange.sent(exchange.output().size());
  exchange.receive("250-mx\r\n250-SIZE 77\r\n250 8BITMIME\r\n");
  CHECK(exchange.state() == XclientExchange::State::Done);
  CHECK(exchange.capabilities().size_limit == 77);
  CHECK_FALSE(exchange.capabilities().pipelining);
}

TEST_CASE("a reply before its command is a relay out of step") {
  XclientExchange early("XCLIENT ADDR=192.0.2.9", "me.example");
  early.receive("220 mx\r\n");
  CHECK(early.state() == XclientExchange::State::Lost);
  CHECK_FALSE(early.reply());
  XclientExchange twice("XCLIENT ADDR=192.0.2.9", "me.example");
  twice.sent(twice.output().size());
  twice.receive("220 mx\r\n250 mx\r\n");
  CHECK(twice.state() == XclientExchange::State::Lost);
}

TEST_CASE("xtext is read as it is written") {
  std::string all;
  for (int octet = 0; octet < 256; ++octet)
    all += static_cast<char>(octet);
  CHECK(parse_xtext(xtext(all)) == all);
  CHECK(parse_xtext("") == "");
  for (const char* const wrong : {"a b", "a=b", "a+", "a+2", "a+2b", "a+GG", "\x7f", "\xc3\xbc", "a\tb"})
    CHECK_FALSE(parse_xtext(wrong));
}

TEST_CASE("XFORWARD as Postfix says it") {
  ForwardedClient known;
  REQUIRE(parse_xforward("NAME=client.example ADDR=192.0.2.1 PORT=4711", known));
  REQUIRE(parse_xforward("proto=ESMTPSA  helo=a+2Bb IDENT=4Xyz source=REMOTE", known));
  CHECK(known.queue_id == "4Xyz");
  CHECK(known.client.name == "client.example");
  CHECK(known.client.address == "192.0.2.1");
  CHECK(known.client.port == "4711");
  CHECK(known.client.protocol == "ESMTPSA");
  CHECK(known.client.helo == "a+b");
  REQUIRE(parse_xforward("NAME=[UNAVAILABLE] ADDR=IPv6:2001:db8::1 HELO=[TEMPUNAVAIL]", known));
  CHECK(known.client.name.empty());
  CHECK(known.client.helo.empty());
  CHECK(known.client.address == "2001:db8::1");
  CHECK(known.client.port == "4711");
}

TEST_CASE("an XFORWARD that is wrong changes nothing") {
  const std::string wrong = GENERATE(std::string(), "NAME", "NAME=a b", "NAME=a=b", "NAME=+0A", "COLOUR=red", "=a",
                                     "NAME=" + std::string(256, 'a'));
  CAPTURE(wrong);
  ForwardedClient known;
  known.client.name = "old.example";
  CHECK_FALSE(parse_xforward(wrong.empty() ? wrong : "HELO=x " + wrong, known));
  CHECK(known.client.name == "old.example");
  CHECK(known.client.helo.empty());
}

}  // namespace
}  // namespace relaypipe
