#include "smtp/lmtp_command.h"

#include <array>
#include <string>
#include <string_view>

#include "catch.h"

namespace relaypipe {
namespace {

TEST_CASE("a command line is a verb and its arguments") {
  struct Row {
    std::string_view line;
    LmtpVerb verb;
    std::string_view arguments;
  };
  const Row row = GENERATE(
      Row{"LHLO lab.example\r", LmtpVerb::Lhlo, "lab.example"}, Row{"mail FROM:<>", LmtpVerb::Mail, "FROM:<>"},
      Row{"Rcpt  TO:<a@b> X ", LmtpVerb::Rcpt, "TO:<a@b> X"}, Row{"DATA", LmtpVerb::Data, ""},
      Row{"rset\r", LmtpVerb::Rset, ""}, Row{"NOOP x", LmtpVerb::Noop, "x"}, Row{"VRFY a", LmtpVerb::Vrfy, "a"},
      Row{"QUIT", LmtpVerb::Quit, ""}, Row{"XFORWARD NAME=a", LmtpVerb::Xforward, "NAME=a"},
      Row{"EHLO a", LmtpVerb::Hello, "a"}, Row{"HELO a", LmtpVerb::Hello, "a"}, Row{"", LmtpVerb::Unknown, ""},
      Row{" ", LmtpVerb::Unknown, ""}, Row{"MAILFROM:<>", LmtpVerb::Unknown, ""},
      Row{"STARTTLS", LmtpVerb::Unknown, ""}, Row{"\x16\x03\x01", LmtpVerb::Unknown, ""});
  CAPTURE(std::string(row.line));
  const LmtpCommand command = parse_lmtp_command(row.line);
  CHECK(command.verb == row.verb);
  CHECK(command.arguments == row.arguments);
}

TEST_CASE("MAIL as lmtp(8) says it") {
  const auto mail = parse_mail_command("FROM:<s@example.com> SIZE=1234 BODY=8BITMIME ENVID=QQ+2B314 RET=hdrs SMTPUTF8");
  REQUIRE(mail);
  CHECK(mail->sender.text() == "s@example.com");
  CHECK(mail->size == 1234U);
  CHECK(mail->smtputf8);
  CHECK(mail->dsn.ret == "HDRS");
  CHECK(mail->dsn.envid == "QQ+2B314");

  const auto null = parse_mail_command("from: <> body=7bit ret=FULL");
  REQUIRE(null);
  CHECK(null->sender.is_null());
  CHECK_FALSE(null->size);
  CHECK_FALSE(null->smtputf8);
  CHECK(null->dsn.ret == "FULL");
  CHECK(null->dsn.envid.empty());
}

TEST_CASE("RCPT as lmtp(8) says it") {
  const auto rcpt = parse_rcpt_command("TO:<r@example.com> ORCPT=rfc822;a+2Bb@example.com NOTIFY=success,DELAY");
  REQUIRE(rcpt);
  CHECK(rcpt->recipient.text() == "r@example.com");
  CHECK(rcpt->dsn.notify == "SUCCESS,DELAY");
  CHECK(rcpt->dsn.orcpt == "rfc822;a+2Bb@example.com");
  CHECK(parse_rcpt_command("TO:<postmaster>")->recipient.text() == "postmaster");
}

TEST_CASE("a path ends outside of quotes, and a source route is no part of it") {
  struct Row {
    std::string_view path;
    std::string_view address;
  };
  const Row row =
      GENERATE(Row{"<\"a b\"@example.com>", "\"a b\"@example.com"}, Row{"<\"a>b\"@example.com>", "\"a>b\"@example.com"},
               Row{"<\"a\\\">b\"@example.com>", "\"a\\\">b\"@example.com"},
               Row{"<@one.example,@two.example:a@example.com>", "a@example.com"},
               Row{"<a@[192.0.2.1]>", "a@[192.0.2.1]"}, Row{"<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]"},
               Row{"<\xc3\xbc@\xc3\xbc.example>", "\xc3\xbc@\xc3\xbc.example"});
  CAPTURE(std::string(row.path));
  const auto rcpt = parse_rcpt_command("TO:" + std::string(row.path) + " NOTIFY=NEVER");
  REQUIRE(rcpt);
  CHECK(rcpt->recipient.text() == row.address);
  CHECK(rcpt->dsn.notify == "NEVER");
}

TEST_CASE("only an address that is none is refused for good") {
  struct Row {
    std::string_view arguments;
    EnhancedStatus status;
  };
  constexpr EnhancedStatus kSyntax{4, 5, 4};
  constexpr EnhancedStatus kSender{5, 1, 7};
  constexpr EnhancedStatus kRecipient{5, 1, 3};
  const auto mail = [](std::string_view arguments) { return parse_mail_command(arguments); };
  for (const Row& row : {Row{"", kSyntax},
                         Row{"FROM", kSyntax},
                         Row{"FROM:", kSyntax},
                         Row{"FROM:a@example.com", kSyntax},
                         Row{"FROM:<a@example.com", kSyntax},
                         Row{"FROM:<\"a@example.com>", kSyntax},
                         Row{"TO:<a@example.com>", kSyntax},
                         Row{"FROM:<a@example.com>SIZE=1", kSyntax},
                         Row{"FROM:<> SIZE=", kSyntax},
                         Row{"FROM:<> SIZE=-1", kSyntax},
                         Row{"FROM:<> SIZE=1k", kSyntax},
                         Row{"FROM:<> SIZE=99999999999999999999", kSyntax},
                         Row{"FROM:<> BODY=BINARYMIME", kSyntax},
                         Row{"FROM:<> SMTPUTF8=yes", kSyntax},
                         Row{"FROM:<> RET=none", kSyntax},
                         Row{"FROM:<> ENVID=", kSyntax},
                         Row{"FROM:<> ENVID=a=b", kSyntax},
                         Row{"FROM:<> ENVID=a+0Ab", kSyntax},
                         Row{"FROM:<> AUTH=<>", kSyntax},
                         Row{"FROM:<> NOTIFY=NEVER", kSyntax},
                         Row{"FROM:<a> AUTH=<>", kSyntax},
                         Row{"FROM:<a>", kSender},
                         Row{"FROM:<a@>", kSender},
                         Row{"FROM:<a\tb@example.com>", kSender},
                         Row{"FROM:<a@example.com.>", {2, 0, 0}}}) {
    CAPTURE(std::string(row.arguments));
    const auto command = mail(row.arguments);
    if (row.status.klass == 2)
      CHECK(command);
    else
      CHECK((!command && command.error().status == row.status && !command.error().text.empty()));
  }
  for (const Row& row :
       {Row{"FROM:<a@example.com>", kSyntax}, Row{"TO:<a@example.com> NOTIFY=", kSyntax},
        Row{"TO:<a@example.com> NOTIFY=NEVER,DELAY", kSyntax}, Row{"TO:<a@example.com> NOTIFY=DELAY,", kSyntax},
        Row{"TO:<a@example.com> NOTIFY=SOON", kSyntax}, Row{"TO:<a@example.com> ORCPT=a@example.com", kSyntax},
        Row{"TO:<a@example.com> ORCPT=rfc822;", kSyntax}, Row{"TO:<a@example.com> ORCPT=;a", kSyntax},
        Row{"TO:<a@example.com> ORCPT=rfc822;a+2", kSyntax}, Row{"TO:<a@example.com> ORCPT=rfc822;\xc3\xbc", kSyntax},
        Row{"TO:<a@example.com> SIZE=1", kSyntax}, Row{"TO:<>", kRecipient}, Row{"TO:<a>", kRecipient},
        Row{"TO:<a@b c>", kRecipient}}) {
    CAPTURE(std::string(row.arguments));
    const auto command = parse_rcpt_command(row.arguments);
    CHECK((!command && command.error().status == row.status && !command.error().text.empty()));
  }
}

}  // namespace
}  // namespace relaypipe
