#include "deliver/log_lines.h"

#include <chrono>
#include <string>

#include "catch.h"
#include "io/pcre_matcher.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

const Peer kPeer{"[mx.example]:587", "mx.example", "192.0.2.1", 587};

Reply reply(const std::string& text) {
  ReplyParser parser;
  parser.feed(text + "\r\n");
  return parser.take().value();
}

Envelope to(std::initializer_list<const char*> recipients, std::string queue_id = "4Xyz") {
  Envelope envelope;
  envelope.queue_id = std::move(queue_id);
  for (const char* recipient : recipients)
    envelope.recipients.push_back(*parse_address(recipient));
  return envelope;
}

std::string line_of(const Envelope& envelope, const Attempt& attempt) {
  PcreMatcher matcher;
  return attempt_line(envelope, {attempt, classify(attempt, RelayRules{}, matcher)});
}

/// The middle of a line: from `delay=` to `, dsn=`.
std::string delays_of(Duration setup, Duration transfer) {
  const std::string line = line_of(to({"r@example.org"}), {kPeer, Lost{Stage::Mail, Loss::Closed}, setup, transfer});
  const std::size_t begin = line.find("delay=");
  return line.substr(begin, line.find(", dsn=") - begin);
}

TEST_CASE("an attempt says attempt= and never status=") {
  struct Row {
    AttemptResult what;
    const char* end;
  };
  const Row row = GENERATE(
      Row{Accepted{reply("250 2.0.0 Ok")}, "dsn=2.0.0, attempt=accepted (mx.example[192.0.2.1]:587: 250 2.0.0 Ok)"},
      Row{Refused{Stage::Mail, reply("451 4.3.0 no")},
          "dsn=4.3.0, attempt=failed (host mx.example[192.0.2.1]:587 said: 451 4.3.0 no (in reply to MAIL FROM "
          "command))"},
      Row{Refused{Stage::Mail, reply("550 5.1.8 no")},
          "dsn=5.1.8, attempt=failed (host mx.example[192.0.2.1]:587 said: 550 5.1.8 no (in reply to MAIL FROM "
          "command))"},
      Row{Refused{Stage::EndOfData, reply("454 Throttling failure: Daily message quota exceeded")},
          "dsn=4.0.0, cause=quota, until=1h, attempt=failed (host mx.example[192.0.2.1]:587 said: 454 Throttling "
          "failure: Daily message quota exceeded (in reply to end of DATA command))"},
      Row{Superseded{Stage::Connect},
          "dsn=4.4.1, cause=network, attempt=superseded (mx.example[192.0.2.1]:587 was not ready in time "
          "(connecting))"},
      Row{Unconfirmed{"no reply (timed out)"},
          "dsn=4.4.2, attempt=unconfirmed (no reply (timed out) from mx.example[192.0.2.1]:587 while sending end of "
          "data -- message may be sent more than once)"},
      Row{SessionFailure{Stage::Connect, SessionError::Unconnected, "Connection refused"},
          "dsn=4.4.1, cause=network, attempt=failed (connect to mx.example[192.0.2.1]:587: Connection refused)"});
  CHECK(line_of(to({"r@example.org"}), {kPeer, row.what, 30ms, 0ms}) ==
        std::string("4Xyz: to=<r@example.org>, relay=mx.example[192.0.2.1]:587, delay=0.03, delays=0/0/0.03/0, ") +
            row.end);
}

TEST_CASE("times have two significant digits below ten seconds and none after the point above") {
  CHECK(delays_of(0ms, 0ms) == "delay=0, delays=0/0/0/0");
  CHECK(delays_of(4ms, 0ms) == "delay=0, delays=0/0/0/0");
  CHECK(delays_of(30ms, 1234ms) == "delay=1.3, delays=0/0/0.03/1.2");
  CHECK(delays_of(2s, 10400ms) == "delay=12, delays=0/0/2/10");
  CHECK(delays_of(900s, 123456789ms) == "delay=124357, delays=0/0/900/123457");
}

TEST_CASE("who is not known is said so") {
  const Attempt attempt{
      {"relay.example", "relay.example", "", 25}, SessionFailure{Stage::Resolve, SessionError::NullMx, ""}, 0ms, 0ms};
  const std::string line = line_of(to({"a@example.org", "b@example.org"}, ""), attempt);
  CHECK_THAT(line, Catch::Matchers::StartsWith("NOQUEUE: to=<a@example.org>, nrcpt=2, relay=relay.example, delay=0"));
  CHECK_THAT(line_of(to({}), attempt), Catch::Matchers::StartsWith("4Xyz: to=<>, relay="));
}

TEST_CASE("a verdict has one line for every recipient") {
  const Delays delays{1s, 2s, 3s, 6s};
  const Verdict sent{Disposition::Delivered, {2, 0, 0}, "mx.example[192.0.2.1]:587: 250 2.0.0 Ok", kPeer};
  CHECK(
      verdict_lines(to({"a@example.org", "b@example.org"}), std::vector{sent}, delays, false) ==
      std::vector<std::string>{
          "4Xyz: to=<a@example.org>, relay=mx.example[192.0.2.1]:587, delay=6, delays=1/0/2/3, dsn=2.0.0, verdict=sent "
          "(mx.example[192.0.2.1]:587: 250 2.0.0 Ok)",
          "4Xyz: to=<b@example.org>, relay=mx.example[192.0.2.1]:587, delay=6, delays=1/0/2/3, dsn=2.0.0, verdict=sent "
          "(mx.example[192.0.2.1]:587: 250 2.0.0 Ok)"});
  const Verdict deferred{Disposition::Deferred, {4, 3, 5}, "no relay", {}};
  CHECK(
      verdict_lines(to({"a@example.org"}, ""), std::vector{deferred}, {}, false) ==
      std::vector<std::string>{
          "NOQUEUE: to=<a@example.org>, relay=none, delay=0, delays=0/0/0/0, dsn=4.3.5, verdict=deferred (no relay)"});
  const Verdict bounced{Disposition::Bounced, {5, 1, 1}, "no", kPeer};
  CHECK_THAT(verdict_lines(to({"a@example.org"}), std::vector{bounced}, {}, false).at(0),
             Catch::Matchers::EndsWith("dsn=5.1.1, verdict=bounced (no)"));
  CHECK(verdict_lines(to({}), std::vector{bounced}, {}, false).empty());
}

TEST_CASE("where the first attempt was accepted, the first line of the verdict says so") {
  const Verdict sent{Disposition::Delivered, {2, 0, 0}, "mx.example[192.0.2.1]:587: 250 2.0.0 Ok", kPeer};
  const auto lines = verdict_lines(to({"a@example.org", "b@example.org"}), std::vector{sent}, {}, true);
  REQUIRE(lines.size() == 2);
  CHECK_THAT(lines[0], Catch::Matchers::ContainsSubstring(", dsn=2.0.0, attempt=accepted, verdict=sent (mx.example"));
  CHECK_THAT(lines[1], Catch::Matchers::ContainsSubstring(", dsn=2.0.0, verdict=sent (mx.example"));
}

TEST_CASE("a line tells how the session was protected, and whose account was used") {
  SessionFacts facts;
  CHECK(session_words(facts) == ", tls=none");
  facts.clear_reason = "STARTTLS was refused (454\nlater)";
  CHECK(session_words(facts) == ", tls=none (STARTTLS was refused (454 later))");
  facts = {.tls_version = "TLSv1.3",
           .tls_cipher = "TLS_AES_256_GCM_SHA384",
           .tls_bits = 256,
           .tls_trust = SessionFacts::TlsTrust::Verified,
           .clear_reason = "",
           .sasl_mechanism = "PLAIN",
           .sasl_username = "user@example.org"};
  const std::string words = session_words(facts);
  CHECK(words == ", tls=TLSv1.3/TLS_AES_256_GCM_SHA384/verified, sasl_method=PLAIN, sasl_username=user@example.org");
  const Verdict sent{Disposition::Delivered, {2, 0, 0}, "250", kPeer};
  CHECK_THAT(verdict_lines(to({"a@example.org"}), std::vector{sent}, {}, true, words).at(0),
             Catch::Matchers::ContainsSubstring("delays=0/0/0/0" + words +
                                                ", dsn=2.0.0, attempt=accepted, verdict=sent (250)"));
  facts.tls_trust = SessionFacts::TlsTrust::Unproved;
  CHECK_THAT(session_words(facts), Catch::Matchers::ContainsSubstring("/unverified,"));
}

TEST_CASE("a line stays a line, and not too long a one") {
  const Reply long_reply{550, {std::string(5000, 'x') + "\n\x1b[31m"}, {5, 0, 0}};
  const std::string line = line_of(to({"r@example.org"}, "4X\nyz"), {kPeer, Refused{Stage::Rcpt, long_reply}, {}, {}});
  CHECK(line.size() < 1800);
  CHECK(line.find('\n') == std::string::npos);
  const Verdict verdict{Disposition::Bounced, {5, 1, 1}, std::string(5000, 'x'), kPeer};
  CHECK(verdict_lines(to({"r@example.org"}), std::vector{verdict}, {}, false).at(0).size() < 1800);
}

}  // namespace
}  // namespace relaypipe
