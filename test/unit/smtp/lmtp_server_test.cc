#include "smtp/lmtp_server.h"

#include <array>
#include <string>
#include <string_view>

#include "catch.h"
#include "unit/smtp/lmtp_dialogue.h"

namespace relaypipe {
namespace {

constexpr std::string_view kGreeting = "220 mail.example LMTP relaypipe\n";
constexpr std::string_view kMail = "MAIL FROM:<s@example.com>\r\n";
constexpr std::string_view kOne = "RCPT TO:<a@example.org>\r\n";
constexpr std::string_view kTwo = "RCPT TO:<b@example.org>\r\n";

/// What comes of the octets, the same for every way to cut them: in one piece, in two, octet by octet. `closed`: then
/// the connection ends.
std::string after(const std::string& octets, bool closed = false) {
  LmtpDialogue whole;
  whole.say(octets);
  if (closed) whole.close();
  for (std::size_t cut = 0; cut <= octets.size(); ++cut) {
    LmtpDialogue dialogue;
    dialogue.say(std::string_view(octets).substr(0, cut));
    dialogue.say(std::string_view(octets).substr(cut));
    if (closed) dialogue.close();
    if (dialogue.text() != whole.text()) FAIL("cut at " << cut << ":\n" << dialogue.text() << "\n" << whole.text());
  }
  LmtpDialogue singly;
  for (const char& octet : octets)
    singly.say({&octet, 1});
  if (closed) singly.close();
  CHECK(singly.text() == whole.text());
  REQUIRE(whole.text().starts_with(kGreeting));
  return whole.text().substr(kGreeting.size());
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (const std::string_view part : parts)
    all += part;
  return all;
}

TEST_CASE("the greeting, and what is announced") {
  CHECK(after("LHLO lab.example\r\n") ==
        "250-mail.example\n250-PIPELINING\n250-8BITMIME\n250-SMTPUTF8\n250-ENHANCEDSTATUSCODES\n250-DSN\n"
        "250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\n250 SIZE 0\n");
  LmtpDialogue without(false);
  without.say("lhlo\n");
  CHECK(without.text().find("DSN") == std::string::npos);
  CHECK(without.text().find("250 SIZE 0\n") != std::string::npos);
}

TEST_CASE("a message as lmtp(8) sends it: one batch, the content, then QUIT behind the dot") {
  CHECK(after(joined({kMail, kOne, kTwo, "DATA\r\n", "Subject: x\r\n\r\n..\r\nb\r\n", ".\r\n", "QUIT\r\n"})) ==
        "250 2.1.0 Ok\n250 2.1.5 Ok\n250 2.1.5 Ok\n354 End data with <CR><LF>.<CR><LF>\n"
        "message <s@example.com>: a@example.org b@example.org\n"
        "content Subject: x\r\n\r\n.\r\nb\r\n\ndot\n"
        "250 2.0.0 taken\n250 2.0.0 taken\n221 2.0.0 Bye\nend\n");
}

TEST_CASE("each recipient has an answer of its own, in order") {
  CHECK(after(joined(
            {kMail, "RCPT TO:<bad@example.org>\r\n", kOne, "RCPT TO:<soft@example.org>\r\n", "DATA\r\n.\r\n"})) ==
        "250 2.1.0 Ok\n250 2.1.5 Ok\n250 2.1.5 Ok\n250 2.1.5 Ok\n354 End data with <CR><LF>.<CR><LF>\n"
        "message <s@example.com>: bad@example.org a@example.org soft@example.org\ndot\n"
        "550 5.1.1 no such user\n250 2.0.0 taken\n451 4.2.0 come again\n");
}

TEST_CASE("several messages in one session") {
  const std::string one = joined({kMail, kOne, "DATA\r\nx\r\n.\r\n"});
  const std::string replies =
      "250 2.1.0 Ok\n250 2.1.5 Ok\n354 End data with <CR><LF>.<CR><LF>\nmessage <s@example.com>: a@example.org\n"
      "content x\r\n\ndot\n250 2.0.0 taken\n";
  CHECK(after(one + "RSET\r\n" + one + one + "RSET\r\n", true) ==
        replies + "250 2.0.0 Ok\n" + replies + replies + "250 2.0.0 Ok\nend\n");
}

TEST_CASE("recipients without DATA are a probe, whatever comes instead") {
  struct Row {
    std::string_view command;
    std::string_view reply;
  };
  const Row row = GENERATE(Row{"RSET\r\n", "250 2.0.0 Ok\n"}, Row{"QUIT\r\n", "221 2.0.0 Bye\nend\n"},
                           Row{"NOOP\r\n", "250 2.0.0 Ok\n"}, Row{"MAIL FROM:<>\r\n", "250 2.1.0 Ok\n"},
                           Row{"nonsense\r\n", "500 5.5.2 Command not known\n"},
                           Row{"RSET\r\nQUIT\r\n", "250 2.0.0 Ok\n221 2.0.0 Bye\nend\n"});
  CHECK(after(joined({kMail, kOne, row.command})) ==
        joined({"250 2.1.0 Ok\nprobe <s@example.com>: a@example.org\n250 2.0.0 taken\n", row.reply}));
  CHECK(after(joined({kMail, "RCPT TO:<soft@example.org>\r\n", "RCPT TO:<x@>\r\n", "RCPT TO:<bad@example.org>\r\n",
                      "RCPT TO:<>\r\n", row.command})) ==
        joined({"250 2.1.0 Ok\nprobe <s@example.com>: soft@example.org bad@example.org\n451 4.2.0 come again\n"
                "550 5.1.3 bad recipient address: has an empty domain\n550 5.1.1 no such user\n"
                "550 5.1.3 bad recipient address: is empty\n",
                row.reply}));
}

TEST_CASE("nobody is asked about addresses that are none, or where the client is gone") {
  CHECK(after(joined({kMail, "RCPT TO:<x@>\r\n", "RSET\r\n"})) ==
        "250 2.1.0 Ok\n550 5.1.3 bad recipient address: has an empty domain\n250 2.0.0 Ok\n");
  CHECK(after(joined({kMail, kOne}), true) == "250 2.1.0 Ok\nend\n");
}

TEST_CASE("a client that waits for the reply to RCPT gets what a relay says, and may go on") {
  LmtpDialogue dialogue;
  dialogue.say(kMail);
  dialogue.quiet();
  CHECK(dialogue.server().want() == LmtpServer::Want::Input);
  for (const std::string_view name : {"bad", "a", "soft"}) {
    dialogue.say(joined({"RCPT TO:<", name, "@example.org>\r\n"}));
    CHECK(dialogue.server().want() == LmtpServer::Want::Quiet);
    CHECK(dialogue.server().quiet_after() > Duration::zero());
    dialogue.quiet();
  }
  dialogue.say("DATA\r\nx\r\n.\r\n");
  CHECK(dialogue.text() ==
        joined({kGreeting,
                "250 2.1.0 Ok\nprobe <s@example.com>: bad@example.org\n550 5.1.1 no such user\n"
                "probe <s@example.com>: a@example.org\n250 2.0.0 taken\n"
                "probe <s@example.com>: soft@example.org\n451 4.2.0 come again\n354 End data with <CR><LF>.<CR><LF>\n"
                "message <s@example.com>: a@example.org\ncontent x\r\n\ndot\n250 2.0.0 taken\n"}));
}

TEST_CASE("a batch that fills the client's buffer belongs to a message") {
  LmtpDialogue dialogue;
  std::string batch(kMail);
  std::size_t recipients = 0;
  for (std::string next; batch.size() + next.size() <= 4096; batch += next, ++recipients)
    next = "RCPT TO:<user" + std::to_string(recipients) + "@example.org> ORCPT=rfc822;user@example.org\r\n";
  dialogue.say(batch);
  CHECK(dialogue.server().want() == LmtpServer::Want::Quiet);
  CHECK(dialogue.server().quiet_after() == Duration::zero());
  dialogue.quiet();
  std::string expected = joined({kGreeting, "250 2.1.0 Ok\n"});
  for (std::size_t i = 0; i < recipients; ++i)
    expected += "250 2.1.5 Ok, no relay was asked\n";
  CHECK(dialogue.text() == expected);
  // The rest of them, with what tells that it was a message, or was not.
  dialogue.say(joined({kOne, "RSET\r\n"}));
  CHECK(dialogue.text() == expected + "probe <s@example.com>: a@example.org\n250 2.0.0 taken\n250 2.0.0 Ok\n");
}

TEST_CASE("one recipient that fills a batch is probed") {
  LmtpDialogue dialogue;
  dialogue.say(joined({kMail, "RCPT TO:<a@example.org> ORCPT=rfc822;", std::string(4000, 'x'), "\r\n"}));
  dialogue.quiet();
  CHECK(dialogue.text() ==
        joined({kGreeting, "250 2.1.0 Ok\nprobe <s@example.com>: a@example.org\n250 2.0.0 taken\n"}));
}

TEST_CASE("a session that ends within the header has not even begun a message") {
  CHECK(after(joined({kMail, kOne, "DATA\r\nSubject: x\r\n"}), true) ==
        "250 2.1.0 Ok\n250 2.1.5 Ok\n354 End data with <CR><LF>.<CR><LF>\nend\n");
}

TEST_CASE("a session that ends within the content has no message") {
  CHECK(after(joined({kMail, kOne, "DATA\r\nx\r\n.\r"}), true) ==
        "250 2.1.0 Ok\n250 2.1.5 Ok\n354 End data with <CR><LF>.<CR><LF>\n"
        "message <s@example.com>: a@example.org\ncontent x\r\n\nend\n");
}

TEST_CASE("what comes with the envelope") {
  LmtpDialogue dialogue;
  dialogue.say(
      "XFORWARD NAME=client.example ADDR=192.0.2.1\r\nXFORWARD PROTO=ESMTP IDENT=4Xyz SOURCE=LOCAL\r\n"
      "MAIL FROM:<> SIZE=77 ENVID=QQ RET=FULL SMTPUTF8\r\nRCPT TO:<a@example.org> NOTIFY=NEVER\r\n"
      "RCPT TO:<b@example.org> ORCPT=rfc822;c@example.org\r\nDATA\r\n");
  const Envelope& envelope = dialogue.envelope();
  CHECK(envelope.queue_id == "4Xyz");
  CHECK(envelope.client.name == "client.example");
  CHECK(envelope.client.protocol == "ESMTP");
  CHECK(envelope.announced_size == 77U);
  CHECK(envelope.delimited);
  CHECK(envelope.smtputf8);
  CHECK(envelope.dsn.envid == "QQ");
  CHECK(envelope.dsn.ret == "FULL");
  CHECK(envelope.recipient_dsn[0].notify == "NEVER");
  CHECK(envelope.recipient_dsn[0].orcpt.empty());
  CHECK(envelope.recipient_dsn[1].orcpt == "rfc822;c@example.org");

  // The next message has nothing of it.
  const std::string_view reset = GENERATE(std::string_view(), "RSET\r\n", "LHLO lab.example\r\n");
  dialogue.say(joined({".\r\n", reset, kMail, kOne, "DATA\r\n.\r\n"}));
  CHECK(dialogue.envelope().queue_id.empty());
  CHECK(dialogue.envelope().client.name.empty());
  CHECK_FALSE(dialogue.envelope().announced_size);
  CHECK_FALSE(dialogue.envelope().smtputf8);
  CHECK(dialogue.envelope().dsn.envid.empty());
  CHECK(dialogue.envelope().recipients.size() == 1);
}

TEST_CASE("a probe has the envelope as well, and leaves nothing behind") {
  LmtpDialogue dialogue;
  dialogue.say(joined({"XFORWARD IDENT=4Xyz\r\n", "MAIL FROM:<s@example.com>\r\n",
                       "RCPT TO:<a@example.org> NOTIFY=DELAY\r\nRSET\r\n"}));
  CHECK(dialogue.envelope().queue_id == "4Xyz");
  CHECK(dialogue.envelope().recipient_dsn.at(0).notify == "DELAY");
  CHECK_FALSE(dialogue.server().idle());
  CHECK(after(joined({kMail, kOne, "RSET\r\nDATA\r\n"})) ==
        "250 2.1.0 Ok\nprobe <s@example.com>: a@example.org\n250 2.0.0 taken\n250 2.0.0 Ok\n503 5.5.1 MAIL comes "
        "first\n");
}

TEST_CASE("the queue id is XFORWARD's, or that in the header of mail made here") {
  const std::string content =
      "Received: by lab.example (Postfix, from userid 0)\r\n\tid 7DDBAA7A045; Sun\r\nSubject: x\r\n\r\n.\r\n";
  const auto id = [&](std::string_view before, std::string_view name) {
    LmtpDialogue dialogue;
    for (const char& octet : joined({"LHLO ", name, "\r\n", before, kMail, kOne, "DATA\r\n", content}))
      dialogue.say({&octet, 1});
    CHECK(dialogue.text().ends_with("content " + content.substr(0, content.size() - 3) + "\ndot\n250 2.0.0 taken\n"));
    return dialogue.envelope().queue_id;
  };
  CHECK(id("", "lab.example") == "7DDBAA7A045");
  CHECK(id("XFORWARD SOURCE=LOCAL\r\n", "lab.example") == "7DDBAA7A045");
  CHECK(id("XFORWARD IDENT=4Xyz\r\n", "lab.example") == "4Xyz");
  CHECK(id("", "other.example").empty());
}

TEST_CASE("neither LHLO nor MAIL is refused for good") {
  CHECK(after("LHLO\r\n").find("250 SIZE 0\n") != std::string::npos);
  CHECK(after("MAIL\r\nMAIL FROM:<a@b> X=1\r\n") ==
        "451 4.5.4 not understood: expected a path in angle brackets\n"
        "451 4.5.4 a parameter that was not announced, or is not valid\n");
  // A sender that can never become one is said of each recipient.
  CHECK(after(joined({"MAIL FROM:<a@>\r\n", kOne, kTwo, "DATA\r\n"})) ==
        "250 2.1.0 Ok\n550 5.1.7 bad sender address: has an empty domain\n"
        "550 5.1.7 bad sender address: has an empty domain\n554 5.5.1 No valid recipients\n");
  for (const std::string_view verb : {"MAIL FROM:<a@example.com> ", "LHLO ", "RCPT TO:<a@example.com> "}) {
    LmtpDialogue dialogue;
    dialogue.say(joined({"MAIL FROM:<>\r\n", verb, std::string(20000, 'x'), "\r\nDATA\r\n"}));
    CHECK(dialogue.text().find("\n550") == std::string::npos);
    CHECK(dialogue.text().find("\n50") == (verb[0] == 'R' ? std::string::npos : dialogue.text().find("\n503")));
  }
}

TEST_CASE("commands out of place, and what are none") {
  CHECK(after(joined({kOne, "DATA\r\n", "VRFY a\r\n", "EHLO a\r\n", "\r\n", "\r\r\n", "XFORWARD X=1\r\n", "NOOP\n"})) ==
        "503 5.5.1 MAIL comes first\n503 5.5.1 MAIL comes first\n252 2.0.0 Ask with RCPT\n"
        "500 5.5.1 This is LMTP: say LHLO\n500 5.5.2 Command not known\n500 5.5.2 Command not known\n"
        "501 5.5.4 Bad XFORWARD attributes\n250 2.0.0 Ok\n");
}

TEST_CASE("an endless line is one command that is not known, and is not kept") {
  LmtpDialogue dialogue;
  for (int i = 0; i < 1000; ++i)
    dialogue.say(std::string(kCommandLineOctets, 'x'));
  CHECK(dialogue.text() == kGreeting);
  dialogue.say("\r\nNOOP\r\n");
  CHECK(dialogue.text() == joined({kGreeting, "500 5.5.2 Command not known\n250 2.0.0 Ok\n"}));
}

TEST_CASE("a line may be as long as the limit and not longer, however it is cut") {
  for (const std::size_t more : {0U, 1U}) {
    for (const bool cut : {false, true}) {
      const std::string line = "RCPT TO:<a@example.com> ORCPT=rfc822;";
      const std::string octets = line + std::string(kCommandLineOctets + more - line.size(), 'a') + "\n";
      LmtpDialogue dialogue;
      dialogue.say(kMail);
      if (cut) dialogue.say(octets.substr(0, octets.size() - 1));
      dialogue.say(cut ? "\n" : octets);
      dialogue.say("RSET\r\n");
      CHECK((dialogue.text().find("\n451 4.5.4 ") != std::string::npos) == (more == 1));
    }
  }
}

TEST_CASE("more recipients than anybody should have") {
  LmtpDialogue dialogue;
  dialogue.say(kMail);
  for (std::size_t i = 0; i < kLmtpRecipients + 2; ++i)
    dialogue.say(kOne);
  CHECK(
      dialogue.text().ends_with("250 2.1.5 Ok, no relay was asked\n452 4.5.3 Too many recipients\n"
                                "452 4.5.3 Too many recipients\n"));
  dialogue.say("DATA\r\n.\r\nQUIT\r\n");
  CHECK(dialogue.envelope().recipients.size() == kLmtpRecipients);
  CHECK(dialogue.text().ends_with("250 2.0.0 taken\n221 2.0.0 Bye\nend\n"));

  // Long ones are fewer.
  LmtpDialogue wide;
  const std::string one = "RCPT TO:<a@example.org> ORCPT=rfc822;" + std::string(12000, 'a') + "\r\n";
  wide.say(kMail);
  for (int i = 0; i < 500; ++i)
    wide.say(one);
  CHECK(wide.text().ends_with("452 4.5.3 Too many recipients\n"));
}

TEST_CASE("replies that nobody reads do not gather without end") {
  LmtpServer server({"mail.example"});
  std::string noise;
  for (int i = 0; i < 100000; ++i)
    noise += "\n";
  server.receive(noise);
  CHECK_FALSE(server.next());
  CHECK(server.want() == LmtpServer::Want::Output);
  CHECK(server.output().size() < 70000);
  std::size_t said = 0;
  while (server.want() == LmtpServer::Want::Output) {
    said += server.output().size();
    server.sent(server.output().size());
    CHECK_FALSE(server.next());
  }
  said += server.output().size();
  CHECK(server.want() == LmtpServer::Want::Input);
  CHECK(said == 100000 * std::string_view("500 5.5.2 Command not known\r\n").size() +
                    std::string_view("220 mail.example LMTP relaypipe\r\n").size());
}

TEST_CASE("answers are one line each, printable, and as long as Postfix reads") {
  LmtpServer server({"mail.example"});
  server.receive(joined({kMail, kOne, "DATA\r\n.\r\n"}));
  while (server.next()) {
  }
  server.sent(server.output().size());
  server.answer({{4, 4, 1}, "host r[192.0.2.1] said: 450-4.4.1 a\r\n450 4.4.1 b\x01 " + std::string(5000, 'x')});
  const std::string_view output = server.output();
  CHECK(output.starts_with("451 4.4.1 host r[192.0.2.1] said: 450-4.4.1 a"));
  CHECK(output.size() < 1100);
  CHECK(output.find_first_of("\r\n") == output.size() - 2);
}

TEST_CASE("a session may be closed without harm between an answered message and the next command") {
  LmtpDialogue dialogue;
  CHECK_FALSE(dialogue.server().idle());
  dialogue.say(joined({"LHLO a\r\n", kMail, kOne, "DATA\r\nx\r\n"}));
  CHECK_FALSE(dialogue.server().idle());
  dialogue.say(".\r\n");
  CHECK(dialogue.server().idle());
  dialogue.say("RS");
  CHECK_FALSE(dialogue.server().idle());
  dialogue.say("ET\r\n");
  CHECK_FALSE(dialogue.server().idle());
}

TEST_CASE("after QUIT or the end of the connection nothing is obeyed") {
  CHECK(after("QUIT\r\nNOOP\r\n") == "221 2.0.0 Bye\nend\n");
  LmtpServer server({"mail.example"});
  server.receive(joined({kMail, kOne, "DATA\r\n.\r\nRSET\r\n"}));
  while (server.next()) {
  }
  CHECK(server.want() == LmtpServer::Want::Answer);
  server.closed();
  CHECK(server.want() == LmtpServer::Want::End);
  CHECK(std::holds_alternative<LmtpSessionEnd>(*server.next()));
  CHECK_FALSE(server.next());
  server.sent(server.output().size());
  server.answer({{2, 0, 0}, "taken"});
  CHECK(server.output().empty());
  CHECK_FALSE(server.quiet());
}

}  // namespace
}  // namespace relaypipe
