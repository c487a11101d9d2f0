#include "verdict/verdict.h"

#include <string>
#include <vector>

#include "base/printable.h"
#include "catch.h"
#include "io/pcre_matcher.h"

namespace relaypipe {
namespace {

using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

Reply reply(const std::string& text) {
  ReplyParser parser;
  parser.feed(text + "\r\n");
  return parser.take().value();
}

Attempt at(const std::string& host, AttemptResult what) {
  return {{host, host, "192.0.2.1", 25}, std::move(what), {}, {}};
}
Attempt dead(const std::string& host) {
  return at(host, SessionFailure{Stage::Connect, SessionError::Unconnected, "Connection refused"});
}
Attempt soft(const std::string& host) { return at(host, Refused{Stage::Mail, reply("451 4.3.0 later")}); }
Attempt hard(const std::string& host) { return at(host, Refused{Stage::Rcpt, reply("550 5.1.1 no user")}); }
Attempt accepted(const std::string& host) { return at(host, Accepted{reply("250 2.0.0 Ok")}); }
Attempt too_big(const std::string& host) { return at(host, Unsupported{Unsupported::Why::TooBig, 100, 10}); }
Attempt superseded(const std::string& host) { return at(host, Superseded{Stage::Connect}); }

std::vector<ClassifiedAttempt> all_judged(const std::vector<Attempt>& attempts) {
  PcreMatcher matcher;
  std::vector<ClassifiedAttempt> classified;
  for (const Attempt& attempt : attempts)
    classified.push_back({attempt, classify(attempt, RelayRules{}, matcher)});
  return classified;
}

std::string folded(const std::vector<Attempt>& attempts) {
  const Verdict verdict = fold_verdict(all_judged(attempts));
  const char* const words[] = {"delivered ", "deferred ", "bounced "};
  return words[static_cast<int>(verdict.disposition)] + verdict.status.text() + " " + verdict.text;
}

TEST_CASE("the outcome that decides comes first, the others follow newest first") {
  CHECK(folded({accepted("a")}) == "delivered 2.0.0 a[192.0.2.1]:25: 250 2.0.0 Ok");
  CHECK(folded({dead("a"), superseded("b"), accepted("c")}) ==
        "delivered 2.0.0 c[192.0.2.1]:25: 250 2.0.0 Ok; tried b: connection timed out, a: Connection refused");
  CHECK(folded({dead("a"), hard("b")}) ==
        "bounced 5.1.1 host b[192.0.2.1]:25 said: 550 5.1.1 no user (in reply to RCPT TO command); tried a: Connection "
        "refused");
  CHECK(folded({dead("a"), dead("b")}) ==
        "deferred 4.4.1 connect to b[192.0.2.1]:25: Connection refused; tried a: "
        "Connection refused");
}

TEST_CASE("what was said about the message outranks what was said about a relay, the newest of equals wins") {
  CHECK_THAT(folded({soft("a"), dead("b")}),
             StartsWith("deferred 4.3.0 host a[") && EndsWith("; tried b: Connection refused"));
  CHECK_THAT(folded({soft("a"), soft("b"), dead("c")}), StartsWith("deferred 4.3.0 host b["));
  CHECK_THAT(folded({dead("a"), superseded("b")}), StartsWith("deferred 4.4.1 connect to a["));
  CHECK_THAT(folded({superseded("a"), superseded("b")}),
             StartsWith("deferred 4.4.1 b[192.0.2.1]:25 was not ready in time"));
  CHECK_THAT(folded({too_big("a"), soft("b")}), StartsWith("deferred 4.3.0 host b["));
}

TEST_CASE("nothing tried is a fault of the configuration") {
  CHECK(folded({}) == "deferred 4.3.5 no relay to deliver to");
}

TEST_CASE("too big for all relays is hard; for some, soft") {
  CHECK_THAT(folded({too_big("a"), too_big("b")}),
             StartsWith("bounced 5.3.4 message size 100 exceeds size limit 10 of server b["));
  CHECK_THAT(folded({too_big("a"), at("b", Refused{Stage::Mail, reply("552 5.3.4 big")})}),
             StartsWith("bounced 5.3.4 "));
  CHECK_THAT(folded({at("a", Unsupported{Unsupported::Why::NoSmtpUtf8}), too_big("b")}), StartsWith("bounced 5.3.4 "));
  CHECK_THAT(folded({too_big("a"), dead("b")}), StartsWith("deferred 4.3.4 message size"));
  CHECK_THAT(folded({dead("a"), too_big("b")}), StartsWith("deferred 4.3.4 message size"));
  CHECK_THAT(folded({too_big("a"), soft("b")}), StartsWith("deferred 4."));
  CHECK_THAT(folded({too_big("a"), superseded("b")}), StartsWith("deferred 4."));
}

TEST_CASE("a relay that found it too big found it so, whatever its other addresses did") {
  CHECK_THAT(folded({superseded("a"), too_big("a")}), StartsWith("bounced 5.3.4 "));
  CHECK_THAT(folded({dead("a"), too_big("a"), too_big("b")}), StartsWith("bounced 5.3.4 "));
  CHECK_THAT(folded({dead("a"), too_big("a"), dead("b")}), StartsWith("deferred 4.3.4 "));
}

Attempt unknown(const std::string& host) { return at(host, Refused{Stage::Rcpt, reply("554 5.7.1 no")}); }
Attempt sender(const std::string& host) { return at(host, Refused{Stage::Mail, reply("550 5.7.1 no")}); }

TEST_CASE("a refusal that names nobody is final when every relay has refused for good, and never before") {
  CHECK(folded({unknown("a")}) ==
        "bounced 5.7.1 host a[192.0.2.1]:25 said: 554 5.7.1 no (in reply to RCPT TO command)");
  CHECK(folded({unknown("a"), unknown("b")}) ==
        "bounced 5.7.1 host b[192.0.2.1]:25 said: 554 5.7.1 no (in reply to RCPT TO command); tried a: 554 5.7.1 no "
        "(RCPT TO)");
  CHECK_THAT(folded({sender("a"), unknown("b"), too_big("c")}), StartsWith("bounced 5."));
  CHECK_THAT(folded({unknown("a"), hard("b")}), StartsWith("bounced 5.1.1 host b["));
  const auto skipped = [](Skipped::Why why) { return at("b", Skipped{why, kNever, Cause::Unknown, ""}); };
  using Why = Skipped::Why;
  for (const Attempt& open :
       {dead("b"), soft("b"), superseded("b"), skipped(Why::CoolingDown), skipped(Why::Probing),
        skipped(Why::Suspended), skipped(Why::Exhausted), skipped(Why::SenderNotTaken),
        at("b", Lost{Stage::Content, Loss::Closed}),
        at("b", Refused{Stage::Rcpt, reply("554 5.7.1 Helo command rejected: Host not found")})}) {
    INFO(describe(open));
    CHECK_THAT(folded({unknown("a"), open}), StartsWith("deferred 4."));
    CHECK_THAT(folded({open, unknown("a")}), StartsWith("deferred 4."));
    CHECK_THAT(folded({sender("a"), open}), StartsWith("deferred 4."));
  }
}

TEST_CASE("of one relay, an address that was not reached changes nothing, and another host's soft word does") {
  CHECK_THAT(folded({dead("a"), unknown("a")}), StartsWith("bounced 5.7.1 "));
  CHECK_THAT(folded({unknown("a"), soft("a")}), StartsWith("deferred 4."));
}

TEST_CASE("where relays were left out for now, what the others say is not the last word") {
  CHECK(fold_verdict(all_judged({unknown("a")}), true).disposition == Disposition::Deferred);
  CHECK(fold_verdict(all_judged({hard("a")}), true).disposition == Disposition::Bounced);
}

TEST_CASE("relays may all say 5yz about themselves: deferred") {
  const auto greets = [](const char* host) {
    return at(host, SessionFailure{Stage::Greeting, SessionError::Lost, "", reply("554 5.3.2 no")});
  };
  CHECK_THAT(folded({greets("a"), greets("b")}),
             StartsWith("deferred 4.3.2 host b[192.0.2.1]:25 refused to talk to me: 554"));
  CHECK_THAT(folded({at("a", Refused{Stage::Mail, reply("530 5.7.0 auth")})}), StartsWith("deferred 4.7.0 "));
}

TEST_CASE("one and the same thing is said once, but each host has its say") {
  CHECK_THAT(folded({dead("a"), dead("a"), dead("b"), accepted("c")}),
             EndsWith("; tried b: Connection refused, a: Connection refused"));
  CHECK_THAT(folded({dead("x.example"), dead("mx.example"), accepted("c")}),
             EndsWith("; tried mx.example: Connection refused, x.example: Connection refused"));
  CHECK_THAT(folded({superseded("c"), dead("c"), accepted("c")}), EndsWith("; tried c: Connection refused"));
  CHECK_THAT(folded({superseded("c"), accepted("c")}), EndsWith("250 2.0.0 Ok"));
}

TEST_CASE("a mixed answer to several recipients names the setting that makes it work") {
  const std::string said = folded({at("a", RecipientsRefused{{reply("250 ok"), reply("550 5.1.1 no")}})});
  CHECK_THAT(said, StartsWith("deferred 4.1.1 ") && EndsWith("set relaypipe_destination_recipient_limit = 1"));
}

TEST_CASE("a halted delivery is deferred, whatever halted it") {
  struct Row {
    Halt halt;
    const char* line;
  };
  const Row row = GENERATE(
      Row{Halt::DeadlinePassed,
          "4.4.2 the deadline of X passed before a relay took the message; tried a: Connection refused"},
      Row{Halt::Terminated,
          "4.3.2 delivery was interrupted by a signal before a relay took the message; tried a: Connection refused"},
      Row{Halt::ParentGone, "4.3.2 the writer of the message is gone; nothing was sent; tried a: Connection refused"},
      Row{Halt::Truncated, "4.3.0 the message is truncated: X; nothing was sent; tried a: Connection refused"},
      Row{Halt::SpoolFailed, "4.3.0 the message cannot be kept: X"});
  const std::vector<Attempt> attempts{dead("a")};
  const Verdict verdict = halted_verdict(row.halt, "X", all_judged(attempts));
  CHECK(verdict.disposition == Disposition::Deferred);
  if (row.halt == Halt::SpoolFailed)
    CHECK_THAT(report_line(verdict), StartsWith("4.3.0 the message cannot be kept: X"));
  else
    CHECK(report_line(verdict) == row.line);
  CHECK(halted_verdict(row.halt, "X", all_judged({hard("a")})).disposition == Disposition::Deferred);
}

TEST_CASE("a delivery that never began") {
  CHECK(refused_verdict({5, 1, 3}, "bad\naddress").disposition == Disposition::Bounced);
  CHECK(refused_verdict({4, 3, 5}, "x").disposition == Disposition::Deferred);
  CHECK(report_line(refused_verdict({5, 1, 3}, "bad\naddress")) == "5.1.3 bad address");
}

TEST_CASE("the report is one line of at most 4096 octets that begins with its D.S.N") {
  const std::size_t octets = GENERATE(0U, 1U, 4088U, 4089U, 4090U, 4095U, 4096U, 10000U);
  const std::string unit = GENERATE("x", "\xc3\xa4", "\xe2\x82\xac", "\n", "\xff", "\xf0\x9f\x93\xa7");
  std::string text;
  while (text.size() < octets)
    text += unit;
  for (const auto disposition : {Disposition::Delivered, Disposition::Deferred, Disposition::Bounced}) {
    const EnhancedStatus status{disposition == Disposition::Bounced ? 5 : 4, 1, 1};
    const std::string line = report_line({disposition, status, text, {}});
    CHECK(line.size() <= kReportOctets);
    CHECK(line.size() + 4 > std::min(kReportOctets, text.size()));
    CHECK(printable(line) == line);  // no line end, which pipe(8) would log as a space; cut between characters
    if (disposition != Disposition::Delivered) CHECK_THAT(line, StartsWith(status.text() + " "));
  }
}

TEST_CASE("neither a long reply nor many relays crowd the other out") {
  std::vector<Attempt> attempts;
  for (int i = 0; i < 60; ++i)
    attempts.push_back(at("relay" + std::to_string(i),
                          SessionFailure{Stage::Connect, SessionError::Unconnected, std::string(80, 'w')}));
  const std::string last(6000, 'x');
  attempts.push_back(at("long", Refused{Stage::EndOfData, {550, {last}, {5, 6, 0}}}));
  const std::string text = folded(attempts);
  CHECK(text.size() < kReportOctets);
  CHECK_THAT(text, StartsWith("bounced 5.6.0 host long[192.0.2.1]:25 said: 550 xxx") &&
                       Catch::Matchers::ContainsSubstring("; tried relay59: www"));
}

TEST_CASE("a person reads what Postfix would do") {
  CHECK(plain_line({Disposition::Delivered, {2, 0, 0}, "a: 250 Ok", {}}) == "delivered: a: 250 Ok\n");
  CHECK(plain_line({Disposition::Deferred, {4, 4, 1}, "why", {}}) ==
        "not delivered; Postfix would keep the message and try again: 4.4.1 why\n");
  CHECK(plain_line({Disposition::Bounced, {5, 1, 1}, "why", {}}) ==
        "refused for good; Postfix would return the message to its sender: 5.1.1 why\n");
}

}  // namespace
}  // namespace relaypipe
