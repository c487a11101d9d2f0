#include <string>

#include "catch.h"
#include "verdict/classify.h"

namespace relaypipe {
namespace {

const Peer kWhere{"[mx.example]:587", "mx.example", "192.0.2.1", 587};
constexpr const char* kHost = "mx.example[192.0.2.1]:587";

Reply reply(const std::string& text) {
  ReplyParser parser;
  parser.feed(text + "\r\n");
  return parser.take().value();
}

struct Row {
  AttemptResult what;
  std::string full;   ///< with H for the host's text
  std::string brief;  ///< behind the host's name
};

std::string with_host(std::string text) {
  for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@'))
    text.replace(at, 1, kHost);
  return text;
}

void check(const Row& row) {
  const Attempt attempt{kWhere, row.what, {}, {}};
  CHECK(describe(attempt) == with_host(row.full));
  CHECK(describe_briefly(attempt) == "mx.example: " + row.brief);
}

TEST_CASE("what an HTTPS interface showed") {
  check({ApiRefusal{429, "TooManyRequestsException", "Maximum sending rate exceeded."},
         "host @ said: 429 TooManyRequestsException: Maximum sending rate exceeded. (in reply to POST command)",
         "429 TooManyRequestsException: Maximum sending rate exceeded."});
  check({ApiUnsupported{ApiUnsupported::Why::TooBig, 5, 4, "it is too big"},
         "message size 5 exceeds size limit 4 of server @", "takes only 4 octets"});
  check({ApiUnsupported{ApiUnsupported::Why::OtherRecipients, 0, 0, "its header names another"},
         "the message cannot go by @: its header names another", "its header names another"});
  check({Lost{Stage::Request, Loss::Closed}, "lost connection with @ while sending the HTTP request",
         "lost connection while sending the HTTP request"});
  check({SessionFailure{Stage::Request, SessionError::AuthRefused, "403 no"},
         "the credentials were refused; server @ said: 403 no", "403 no"});
}

TEST_CASE("what a transaction showed, in Postfix's words") {
  check({Accepted{reply("250 2.0.0 Ok: queued as 4X")}, "@: 250 2.0.0 Ok: queued as 4X", "250 2.0.0 Ok: queued as 4X"});
  check({Refused{Stage::Mail, reply("451 4.3.0 no")}, "host @ said: 451 4.3.0 no (in reply to MAIL FROM command)",
         "451 4.3.0 no (MAIL FROM)"});
  check({Refused{Stage::EndOfData, reply("550-5.7.1 spam\r\n550 5.7.1 go away")},
         "host @ said: 550-5.7.1 spam 550 5.7.1 go away (in reply to end of DATA command)",
         "550-5.7.1 spam 550 5.7.1 go away (end of DATA)"});
  check({Lost{Stage::Data, Loss::Closed}, "lost connection with @ while sending DATA command",
         "lost connection while sending DATA command"});
  check({Lost{Stage::Content, Loss::TimedOut}, "conversation with @ timed out while sending message body",
         "timed out while sending message body"});
  check({ProtocolError{Stage::Rcpt, "a line that is not an SMTP reply"},
         "host @ broke the protocol while sending RCPT TO: a line that is not an SMTP reply",
         "a line that is not an SMTP reply"});
  check({Unconfirmed{"no reply (timed out)"},
         "no reply (timed out) from @ while sending end of data -- message may be sent more than once",
         "no reply (timed out) after end of data"});
  check({Aborted{Stage::Content}, "gave up with @ while sending message body", "given up"});
  check({Unsupported{Unsupported::Why::TooBig, 1000, 10}, "message size 1000 exceeds size limit 10 of server @",
         "takes only 10 octets"});
  check({Unsupported{Unsupported::Why::NoSmtpUtf8}, "SMTPUTF8 is required, but was not offered by host @",
         "does not offer SMTPUTF8"});
}

TEST_CASE("replies to RCPT are told once each, and only those that refuse") {
  check({RecipientsRefused{{reply("550 5.1.1 no"), reply("550 5.1.1 no"), reply("551 5.1.6 moved")}},
         "host @ said: 550 5.1.1 no; 551 5.1.6 moved (in reply to RCPT TO command)",
         "550 5.1.1 no; 551 5.1.6 moved (RCPT TO)"});
  // One that is the beginning of another is a reply of its own.
  check({RecipientsRefused{{reply("550 5.1.1 no such user"), reply("550 5.1.1 no")}},
         "host @ said: 550 5.1.1 no such user; 550 5.1.1 no (in reply to RCPT TO command)",
         "550 5.1.1 no such user; 550 5.1.1 no (RCPT TO)"});
  const Attempt mixed{kWhere, RecipientsRefused{{reply("250 ok"), reply("450 later")}}, {}, {}};
  CHECK_THAT(describe(mixed),
             Catch::Matchers::StartsWith(with_host("host @ said: 450 later (in reply to RCPT TO command); "
                                                   "nothing was sent, because ")) &&
                 Catch::Matchers::EndsWith("set relaypipe_destination_recipient_limit = 1"));
  CHECK(describe_briefly(mixed) == "mx.example: 450 later (RCPT TO)");
}

TEST_CASE("what kept a relay from a session, in Postfix's words") {
  const auto unreached = [](Stage stage, SessionError error) { return SessionFailure{stage, error, "why"}; };
  check({unreached(Stage::Connect, SessionError::Unconnected), "connect to @: why", "why"});
  check({unreached(Stage::Connect, SessionError::TimedOut), "connect to @: Connection timed out",
         "connection timed out"});
  check({unreached(Stage::Resolve, SessionError::TimedOut), "looking up mx.example: why", "why"});
  check({unreached(Stage::Greeting, SessionError::TimedOut),
         "conversation with @ timed out while receiving the initial server greeting",
         "timed out while receiving the initial server greeting"});
  check({unreached(Stage::Ehlo, SessionError::Lost), "lost connection with @ while performing the EHLO handshake",
         "lost connection while performing the EHLO handshake"});
  check({unreached(Stage::Resolve, SessionError::NotFound), "Host or domain name not found. Name service error for why",
         "name service error for why"});
  check({unreached(Stage::Resolve, SessionError::NullMx), "Domain mx.example does not accept mail (nullMX)",
         "does not accept mail (nullMX)"});
  check({unreached(Stage::Resolve, SessionError::LoopsBack), "mail for mx.example loops back to myself",
         "loops back to myself"});
  check({unreached(Stage::Resolve, SessionError::NoPrimary), "unable to find primary relay for mx.example",
         "no primary relay"});
  check({unreached(Stage::Greeting, SessionError::ProtocolError),
         "host @ broke the protocol while receiving the initial server greeting: why", "why"});
  check({unreached(Stage::Ehlo, SessionError::TlsMissing), "TLS is required, but was not offered by host @",
         "does not offer TLS"});
  check({unreached(Stage::Tls, SessionError::TlsFailed), "Cannot start TLS with @: why", "why"});
  check({unreached(Stage::Tls, SessionError::Untrusted), "Server certificate not verified: @: why", "why"});
  check({unreached(Stage::Auth, SessionError::AuthMissing),
         "SASL authentication failed; server @ offers no mechanism we can use: why", "why"});
  check({unreached(Stage::Auth, SessionError::AuthRefused), "SASL authentication failed; server @ said: why", "why"});
  check({unreached(Stage::Auth, SessionError::NoCredentials), "no credentials for @: why", "no credentials: why"});
  check({unreached(Stage::Tls, SessionError::Misconfigured), "@: why", "why"});
  check({unreached(Stage::Connect, SessionError::Local), "@: why", "why"});
  check({Superseded{Stage::Connect}, "@ was not ready in time (connecting)", "connection timed out"});
  check({Superseded{Stage::Greeting}, "@ was not ready in time (receiving the initial server greeting)",
         "too slow while receiving the initial server greeting"});
}

TEST_CASE("a relay that was skipped is told with the reason and the time") {
  using Why = Skipped::Why;
  const WallTime noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 27) + std::chrono::hours(12);
  const auto told = [&](Why why, WallTime until, const std::string& words, const std::string& state) {
    const Attempt attempt{kWhere, Skipped{why, until, Cause::Unknown, words}, {}, {}};
    CHECK(describe(attempt) ==
          with_host("delivery temporarily suspended, @ ") + state + (words.empty() ? "" : ": " + words));
    // By the relay's name: several may have one host.
    CHECK(describe_briefly(attempt) == "[mx.example]:587: " + state);
  };
  told(Why::CoolingDown, noon, "it failed", "is not tried until 2026-11-27 12:00:00 UTC");
  told(Why::CoolingDown, kNever, "", "is not tried");
  told(Why::Probing, noon, "it failed", "is being tried by another delivery");
  told(Why::Suspended, noon, "", "was suspended by the administrator until 2026-11-27 12:00:00 UTC");
  told(Why::Exhausted, noon, "rate 1/s", "has its limit used up until 2026-11-27 12:00:00 UTC");
  told(Why::Exhausted, kNever, "quota 1/day", "has its limit used up");
  told(Why::SenderNotTaken, noon, "553 no", "does not take this sender until 2026-11-27 12:00:00 UTC");
}

TEST_CASE("what a relay said before it was ready") {
  const auto said = [](Stage stage, const char* text) {
    return SessionFailure{stage, SessionError::Lost, "", reply(text)};
  };
  check({said(Stage::Greeting, "554 5.7.1 no"), "host @ refused to talk to me: 554 5.7.1 no", "554 5.7.1 no"});
  check({said(Stage::Ehlo, "421 busy"), "host @ refused to talk to me: 421 busy", "421 busy"});
  check(
      {said(Stage::StartTls, "454 later"), "TLS is required, but host @ refused to start TLS: 454 later", "454 later"});
  check({said(Stage::Auth, "535 5.7.8 bad"), "SASL authentication failed; server @ said: 535 5.7.8 bad",
         "535 5.7.8 bad"});
}

TEST_CASE("foreign text is made safe, and the short form is kept short") {
  const Reply evil{550, {"a\r\nb\x1b[31m\xff"}, {5, 0, 0}};
  const Attempt attempt{kWhere, Refused{Stage::Mail, evil}, {}, {}};
  CHECK(describe(attempt) == with_host("host @ said: 550 a  b?[31m? (in reply to MAIL FROM command)"));
  const Attempt longish{
      kWhere, SessionFailure{Stage::Connect, SessionError::Unconnected, std::string(500, 'x')}, {}, {}};
  CHECK(describe_briefly(longish) == "mx.example: " + std::string(160, 'x') + "...");
  std::string umlauts;
  for (int i = 0; i < 200; ++i)
    umlauts += "\xc3\xa4";
  const Attempt utf8{kWhere, SessionFailure{Stage::Connect, SessionError::Unconnected, "x" + umlauts}, {}, {}};
  CHECK(describe_briefly(utf8) == "mx.example: x" + umlauts.substr(0, 158) + "...");
}

TEST_CASE("a place is named as Postfix names it, as far as it is known") {
  CHECK(kWhere.text() == kHost);
  CHECK(Peer{"[mx.example]:587", "mx.example", "", 587}.text() == "[mx.example]:587");
  CHECK(Peer{"x", "2001:db8::1", "2001:db8::1", 25}.text() == "2001:db8::1[2001:db8::1]:25");
  CHECK(Peer{}.text().empty());
  CHECK(describe_briefly({{"relay", "", "", 0}, Superseded{Stage::Connect}, {}, {}}) == "relay: connection timed out");
}

}  // namespace
}  // namespace relaypipe
