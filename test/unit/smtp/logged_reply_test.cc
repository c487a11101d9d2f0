#include "smtp/logged_reply.h"

#include "catch.h"

namespace relaypipe {
namespace {

struct Row {
  const char* line;
  const char* reply;
  const char* host;
  Stage stage;
};

TEST_CASE("the reply, the stage and the host are found in a line of the mail log") {
  const Row row = GENERATE(
      Row{"Nov 29 00:31:43 mail postfix/smtp[71]: 4Xyz: to=<a@b.example>, relay=mx.b.example[192.0.2.1]:25, delay=1, "
          "delays=0/0/1/0, dsn=5.1.1, status=bounced (host mx.b.example[192.0.2.1] said: 550 5.1.1 <a@b.example>: "
          "user unknown (virtual) (in reply to RCPT TO command))",
          "550 5.1.1 <a@b.example>: user unknown (virtual)", "mx.b.example", Stage::Rcpt},
      Row{"4Xyz: to=<a@b>, relay=mx[192.0.2.1]:587, delay=0.03, delays=0/0/0.03/0, dsn=4.0.0, cause=quota, until=1h, "
          "attempt=failed (host mx.example[192.0.2.1]:587 said: 454 Throttling failure: Daily message quota exceeded "
          "(in reply to end of DATA command))",
          "454 Throttling failure: Daily message quota exceeded", "mx.example", Stage::EndOfData},
      Row{"postfix/smtp[7]: 4Xyz: host gmail-smtp-in.l.google.com[192.0.2.1] said: 550-5.7.26 This mail is "
          "unauthenticated. 550-5.7.26 For instructions, see 550 5.7.26  https://support.google.com/x (in reply to end "
          "of DATA command)",
          "550-5.7.26 This mail is unauthenticated.\n550-5.7.26 For instructions, see\n550 5.7.26  "
          "https://support.google.com/x",
          "gmail-smtp-in.l.google.com", Stage::EndOfData},
      Row{"4Xyz: to=<a@b>, relay=none, delay=0, dsn=4.7.8, status=deferred (SASL authentication failed; server "
          "smtp.gmail.com[192.0.2.1] said: 535 5.7.8 Username and Password not accepted)",
          "535 5.7.8 Username and Password not accepted", "smtp.gmail.com", Stage::Auth},
      Row{"4Xyz: to=<a@b>, relay=r[192.0.2.1]:25, status=deferred (host r.example[192.0.2.1] refused to talk to me: "
          "554 "
          "5.7.1 Service unavailable; Client host blocked (sbl))",
          "554 5.7.1 Service unavailable; Client host blocked (sbl)", "r.example", Stage::Greeting},
      Row{"4Xyz: to=<a@b>, status=deferred (host r.example[192.0.2.1] refused to talk to me: 421 4.7.0 later; tried "
          "mail1.example: connection timed out)",
          "421 4.7.0 later", "r.example", Stage::Greeting},
      Row{"4Xyz: to=<a@b>, relay=relaypipe, dsn=4.3.0, status=deferred (temporary failure. Command output: host "
          "r.example[2001:db8::1]:25 said: 451 4.3.0 no (in reply to MAIL FROM command))",
          "451 4.3.0 no", "r.example", Stage::Mail},
      Row{"TLS is required, but host r.example[192.0.2.1]:587 refused to start TLS: 454 4.7.0 not now",
          "454 4.7.0 not now", "r.example", Stage::StartTls});
  CAPTURE(row.line);
  CHECK(is_log_line(row.line));
  const auto found = reply_in_log_line(row.line);
  REQUIRE(found);
  CHECK(found->reply == row.reply);
  CHECK(found->host == row.host);
  CHECK(found->stage == row.stage);
}

TEST_CASE("a log line without a reply has none, and a reply is no log line") {
  CHECK_FALSE(
      reply_in_log_line("4Xyz: to=<a@b>, status=deferred (connect to r.example[192.0.2.1]:25: Connection refused)"));
  CHECK(is_log_line("4Xyz: to=<a@b>, relay=none, dsn=4.4.1, status=deferred (connect to r: Connection refused)"));
  CHECK_FALSE(is_log_line("550 5.7.1 relay=no, the host said: 550"));
  CHECK_FALSE(is_log_line("454 Throttling failure"));
  CHECK_FALSE(is_log_line("hello"));
}

}  // namespace
}  // namespace relaypipe
