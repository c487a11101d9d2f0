#include "smtp/transaction.h"

#include <array>
#include <string>
#include <string_view>

#include "catch.h"
#include "unit/smtp/dialogue.h"

namespace relaypipe {
namespace {

TEST_CASE("the commands carry what the relay offers and the message needs") {
  const Address ascii = *parse_address("s@example.com");
  const Address utf8 = *parse_address("\xc3\xbc@example.com");
  ContentFacts content;
  content.size = 1234;
  Capabilities all;
  all.size = all.eight_bit_mime = all.smtputf8 = all.pipelining = true;
  const auto envelope = [](const Address& sender, std::vector<Address> recipients) {
    Envelope made;
    made.sender = sender;
    made.recipients = std::move(recipients);
    return made;
  };
  const auto mail = [&](const Address& sender, const Address& recipient, const Capabilities& relay) {
    return make_request(envelope(sender, {recipient}), content, relay).mail;
  };
  CHECK(mail(ascii, ascii, {}) == "MAIL FROM:<s@example.com>");
  CHECK(mail(Address(), ascii, all) == "MAIL FROM:<> SIZE=1234");
  CHECK(mail(ascii, utf8, all) == "MAIL FROM:<s@example.com> SIZE=1234 SMTPUTF8");
  CHECK(mail(utf8, ascii, all) == "MAIL FROM:<\xc3\xbc@example.com> SIZE=1234 SMTPUTF8");
  content.eight_bit_body = true;
  CHECK(mail(ascii, ascii, all) == "MAIL FROM:<s@example.com> SIZE=1234 BODY=8BITMIME");
  CHECK(mail(ascii, utf8, all) == "MAIL FROM:<s@example.com> SIZE=1234 BODY=8BITMIME SMTPUTF8");
  CHECK(mail(utf8, utf8, {}) == "MAIL FROM:<\xc3\xbc@example.com>");

  const auto request =
      make_request(envelope(ascii, {*parse_address("a b@example.com"), *parse_address("postmaster")}), content, all);
  CHECK(request.rcpt == std::vector<std::string>{"RCPT TO:<\"a b\"@example.com>", "RCPT TO:<postmaster>"});
  CHECK(request.pipelining);
  CHECK_FALSE(make_request(envelope(ascii, {ascii}), content, {}).pipelining);
}

TEST_CASE("what the submitter asked for is said to a relay that offers it") {
  Envelope envelope;
  envelope.recipients = {*parse_address("a@example.com"), *parse_address("b@example.com")};
  envelope.smtputf8 = true;
  envelope.dsn = {"HDRS", "QQ"};
  envelope.recipient_dsn = {{"NEVER", ""}, {"SUCCESS", "utf-8;\xc3\xbc@example.com"}};
  Capabilities relay;
  auto request = make_request(envelope, {}, relay);
  CHECK(request.mail == "MAIL FROM:<>");
  CHECK(request.rcpt == std::vector<std::string>{"RCPT TO:<a@example.com>", "RCPT TO:<b@example.com>"});
  relay.dsn = true;
  request = make_request(envelope, {}, relay);
  CHECK(request.mail == "MAIL FROM:<> RET=HDRS ENVID=QQ");
  CHECK(request.rcpt[1] == "RCPT TO:<b@example.com> NOTIFY=SUCCESS");
  relay.smtputf8 = true;
  // Of some recipients each keeps its own.
  request = make_request(envelope.with_recipients(std::vector<std::size_t>{1}), {}, relay);
  CHECK(request.mail == "MAIL FROM:<> SMTPUTF8 RET=HDRS ENVID=QQ");
  CHECK(request.rcpt ==
        std::vector<std::string>{"RCPT TO:<b@example.com> NOTIFY=SUCCESS ORCPT=utf-8;\xc3\xbc@example.com"});
}

TEST_CASE("one recipient, command by command") {
  check_all(
      1, false,
      {
          {"> MAIL < 250 > RCPT < 250 > DATA < 354 content commit > . < 250", "accepted 250, quit"},
          {"> MAIL < 250- 250 > RCPT < 251 > DATA < 354- 354 content commit > . < 250- 250", "accepted 250, quit"},
          {"> MAIL < 250 > RCPT < 252 > DATA < 354 content commit > . < 250 221 999", "accepted 250, drop"},
          {"> MAIL < 250 > RCPT < 250 > DATA < 354 content commit > . < 250 closed", "accepted 250, drop"},
          {"> MAIL < 250 > RCPT < 250 > DATA < 354 content commit > . < 451", "refused end_of_data 451, quit"},
          {"> MAIL < 250 > RCPT < 250 > DATA < 354 content commit > . < 554", "refused end_of_data 554, quit"},
          {"> MAIL < 250 > RCPT < 250 > DATA < 354 content commit > . < 250- 251", "accepted 251, quit"},
          {"> MAIL < 250 > RCPT < 250 > DATA < 354 content commit > . < 250- 554", "refused end_of_data 554, quit"},
          {"> MAIL < 250- 452", "refused mail 452, quit"},
          {"> MAIL < 452", "refused mail 452, quit"},
          {"> MAIL < 552 250 250", "refused mail 552, quit"},
          {"> MAIL < 250 > RCPT < 450", "recipients 450, quit"},
          {"> MAIL < 250 > RCPT < 550- 550", "recipients 550, quit"},
          {"> MAIL < 250 > RCPT < 250 > DATA < 451", "refused data 451, quit"},
          {"> MAIL < 250 > RCPT < 250 > DATA < 503", "refused data 503, quit"},
      });
}

TEST_CASE("one recipient, pipelined") {
  check_all(
      1, true,
      {
          {"> MAIL RCPT DATA < 250 250 354 content commit > . QUIT < 250 221", "accepted 250, drop"},
          {"> MAIL RCPT DATA < 250 < 250 < 354 content commit > . QUIT < 451 221", "refused end_of_data 451, drop"},
          // QUIT has to wait until the reply to DATA shows that the relay is not in DATA.
          {"> MAIL RCPT DATA < 550", "refused mail 550, drop"},
          {"> MAIL RCPT DATA < 550 503 503", "refused mail 550, quit"},
          {"> MAIL RCPT DATA < 550 503 354", "refused mail 550, drop"},
          {"> MAIL RCPT DATA < 250 550", "recipients 550, drop"},
          {"> MAIL RCPT DATA < 250 550 554", "recipients 550, quit"},
          {"> MAIL RCPT DATA < 250 550 354", "recipients 550, drop"},
          {"> MAIL RCPT DATA < 250 450 250", "recipients 450, drop"},
          {"> MAIL RCPT DATA < 250 450 503 250 250", "recipients 450, quit"},
          {"> MAIL RCPT DATA < 250 450 garbage", "recipients 450, drop"},
          {"> MAIL RCPT DATA < 250 450 421", "recipients 450, drop"},
          {"> MAIL RCPT DATA < 250 250 451", "refused data 451, quit"},
      });
}

/// Whether a transaction that ended without a reply says that commands which were sent together were lost.
bool lost_together(std::size_t recipients, bool pipelining, std::string_view dialogue) {
  Player player(recipients, pipelining, {});
  player.play(dialogue);
  const TransactionResult& result = player.transaction().result();
  if (const auto* const lost = std::get_if<Lost>(&result)) return lost->pipelined;
  const auto* const garbled = std::get_if<ProtocolError>(&result);
  return garbled != nullptr && garbled->pipelined;
}

TEST_CASE("a command without a reply tells whether it was sent together with others") {
  for (const std::string_view end : {"timeout", "closed", "< garbage"}) {
    CAPTURE(end);
    const auto then = [&](std::string_view before) { return std::string(before) + " " + std::string(end); };
    CHECK(lost_together(1, true, then("> MAIL RCPT DATA")));
    CHECK(lost_together(1, true, then("> MAIL RCPT DATA < 250")));
    CHECK(lost_together(1, true, then("> MAIL RCPT DATA < 250 250")));
    CHECK_FALSE(lost_together(1, true, then("> MAIL RCPT DATA < 250 250 354")));
    CHECK(lost_together(2, true, then("> MAIL RCPT RCPT < 250 250")));
    // DATA waited for the replies of both recipients.
    CHECK_FALSE(lost_together(2, true, then("> MAIL RCPT RCPT < 250 250 250 > DATA")));
    CHECK_FALSE(lost_together(1, false, then("> MAIL")));
    CHECK_FALSE(lost_together(1, false, then("> MAIL < 250 > RCPT")));
  }
}

TEST_CASE("several recipients: the content is sent only when all are accepted") {
  check_all(3, false,
            {
                {"> MAIL < 250 > RCPT < 250 > RCPT < 250 > RCPT < 250 > DATA < 354 content commit > . < 250",
                 "accepted 250, quit"},
                {"> MAIL < 250 > RCPT < 250 > RCPT < 550 > RCPT < 251", "recipients 250 550 251, quit"},
                {"> MAIL < 250 > RCPT < 450 > RCPT < 550 > RCPT < 553", "recipients 450 550 553, quit"},
                {"> MAIL < 250 > RCPT < 550 > RCPT < 421", "refused rcpt 421, drop"},
            });
  check_all(
      3, true,
      {
          {"> MAIL RCPT RCPT RCPT < 250 250 250 250 > DATA < 354 content commit > . QUIT < 250", "accepted 250, drop"},
          {"> MAIL RCPT RCPT RCPT < 250 250 250 250 > DATA < 554", "refused data 554, quit"},
          {"> MAIL RCPT RCPT RCPT < 250 250 550 250", "recipients 250 550 250, quit"},
          {"> MAIL RCPT RCPT RCPT < 250 450 450 450", "recipients 450 450 450, quit"},
          {"> MAIL RCPT RCPT RCPT < 250 550 421", "refused rcpt 421, drop"},
          {"> MAIL RCPT RCPT RCPT < 550", "refused mail 550, quit"},
          {"> MAIL RCPT RCPT RCPT < 550 503 503 503", "refused mail 550, quit"},
          {"> MAIL RCPT RCPT RCPT < 250 550 closed", "lost rcpt closed, drop"},
          {"> MAIL RCPT RCPT RCPT < 250 354", "garbled rcpt: an unexpected reply (354), drop"},
      });
}

TEST_CASE("several recipients with results of their own: the content is sent when one of them is accepted") {
  check_all(3, false,
            {
                {"> MAIL < 250 > RCPT < 250 > RCPT < 550 > RCPT < 451 > DATA < 354 content commit > . < 250",
                 "accepted 250, quit"},
                {"> MAIL < 250 > RCPT < 550 > RCPT < 450 > RCPT < 250 > DATA < 451", "refused data 451, quit"},
                {"> MAIL < 250 > RCPT < 450 > RCPT < 550 > RCPT < 553", "recipients 450 550 553, quit"},
                {"> MAIL < 250 > RCPT < 250 > RCPT < 421", "refused rcpt 421, drop"},
            },
            Player::Goal::Some);
  check_all(
      3, true,
      {
          {"> MAIL RCPT RCPT RCPT < 250 550 450 250 > DATA < 354 content commit > . QUIT < 250", "accepted 250, drop"},
          {"> MAIL RCPT RCPT RCPT < 250 550 450 250 > DATA < 354 content commit > . QUIT closed",
           "unconfirmed: no reply (connection lost), drop"},
          {"> MAIL RCPT RCPT RCPT < 250 550 551 553", "recipients 550 551 553, quit"},
      },
      Player::Goal::Some);
  check_all(1, true, {{"> MAIL RCPT DATA < 250 550 503", "recipients 550, quit"}}, Player::Goal::Some);
}

TEST_CASE("an address verification ends after the replies to RCPT, and says nothing of DATA") {
  check_all(1, true,
            {
                {"> MAIL RCPT < 250 250", "deliverable 250, quit"},
                {"> MAIL RCPT < 250 550", "recipients 550, quit"},
                {"> MAIL RCPT < 250 450", "recipients 450, quit"},
                {"> MAIL RCPT < 550 503", "refused mail 550, quit"},
                {"> MAIL RCPT < 250 closed", "lost rcpt closed, drop"},
            },
            Player::Goal::Verify);
  check_all(2, false, {{"> MAIL < 250 > RCPT < 550 > RCPT < 251", "deliverable 251, quit"}}, Player::Goal::Verify);
}

TEST_CASE("where the session goes on after the transaction, no QUIT leaves with the dot") {
  TransactionRequest request{"MAIL FROM:<s@example.com>", {"RCPT TO:<r@example.org>"}, true};
  request.last = GENERATE(true, false);
  Transaction transaction(request);
  transaction.sent(transaction.output().size());
  transaction.receive("250 ok\r\n250 ok\r\n354 go on\r\n");
  transaction.content_sent();
  transaction.commit();
  CHECK(transaction.output() == (request.last ? ".\r\nQUIT\r\n" : ".\r\n"));
  transaction.sent(transaction.output().size());
  transaction.receive("250 taken\r\n");
  CHECK(std::holds_alternative<Accepted>(transaction.result()));
  CHECK(transaction.may_quit() != request.last);
}

TEST_CASE("where the session goes on, the replies to all that was sent are waited for") {
  using Want = Transaction::Want;
  const bool one = GENERATE(true, false);  // and DATA with it
  TransactionRequest request{"MAIL FROM:<s@example.com>", {"RCPT TO:<r@example.org>"}, true};
  if (!one) request.rcpt.emplace_back("RCPT TO:<r@example.com>");
  request.goal = TransactionRequest::Goal::Some;
  request.last = false;
  Transaction transaction(request);
  transaction.sent(transaction.output().size());
  SECTION("after a refusal") {
    const bool mail = GENERATE(true, false);
    if (!mail && !one) return;
    transaction.receive(mail ? "550 no\r\n" : "250 ok\r\n550 no\r\n");
    CHECK(transaction.want() == Want::Exchange);
    CHECK(transaction.output().empty());
    SECTION("they come") {
      transaction.receive("503 no\r\n");
      if (mail) transaction.receive("503 no\r\n");
      CHECK(transaction.may_quit());
    }
    SECTION("DATA is taken") {
      if (!one) return;
      transaction.receive(mail ? "503 no\r\n354 go on\r\n" : "354 go on\r\n");
      CHECK_FALSE(transaction.may_quit());
    }
    SECTION("they do not come") {
      if (GENERATE(true, false))
        transaction.lost(Loss::TimedOut);
      else
        transaction.abort();
      CHECK_FALSE(transaction.may_quit());
    }
    SECTION("421") {
      transaction.receive("421 bye\r\n");
      CHECK_FALSE(transaction.may_quit());
    }
    CHECK(transaction.want() == Want::Finished);
    CHECK(std::holds_alternative<Refused>(transaction.result()) == mail);
  }
  SECTION("but not when it is broken off") {
    transaction.abort();
    CHECK(transaction.want() == Want::Finished);
    CHECK(std::holds_alternative<Aborted>(transaction.result()));
    CHECK_FALSE(transaction.may_quit());
  }
}

/// A way into each stage, and that stage's name.
struct Way {
  std::string_view words;
  std::string_view stage;
};
constexpr std::array<Way, 8> kPlain{{{"", "mail"},
                                     {"> MAIL", "mail"},
                                     {"> MAIL < 250 > RCPT", "rcpt"},
                                     {"> MAIL < 250 > RCPT < 250 > DATA", "data"},
                                     {"> MAIL < 250 > RCPT < 250 > DATA < 354", "content"},
                                     {"> MAIL < 250 > RCPT < 250 > DATA < 354 content", "content"},
                                     {"> MAIL < 250 > RCPT < 250 > DATA < 354 content commit", "content"},
                                     {"> MAIL < 250 > RCPT < 250 > DATA < 354 content commit > .", "end_of_data"}}};
constexpr std::array<Way, 8> kPipelined{{{"", "mail"},
                                         {"> MAIL RCPT DATA", "mail"},
                                         {"> MAIL RCPT DATA < 250", "rcpt"},
                                         {"> MAIL RCPT DATA < 250 250", "data"},
                                         {"> MAIL RCPT DATA < 250 250 354", "content"},
                                         {"> MAIL RCPT DATA < 250 250 354 content", "content"},
                                         {"> MAIL RCPT DATA < 250 250 354 content commit", "content"},
                                         {"> MAIL RCPT DATA < 250 250 354 content commit > . QUIT", "end_of_data"}}};

/// Goes every way, then does `next`; `before_dot` and `after_dot` say what has to come of it, with the stage for `%`.
void check_everywhere(std::string_view next, std::string before_dot, std::string_view after_dot) {
  for (const auto* ways : {&kPlain, &kPipelined}) {
    for (const Way& way : *ways) {
      std::string expected = way.stage == "end_of_data" ? std::string(after_dot) : before_dot;
      if (const auto at = expected.find('%'); at != std::string::npos) expected.replace(at, 1, way.stage);
      check(1, ways == &kPipelined, {std::string(way.words) + " " + std::string(next), expected});
    }
  }
}

TEST_CASE("the stage is that of the reply awaited") { check_everywhere("", "open %", "open %"); }

TEST_CASE("421 ends a transaction at every stage") {
  check_everywhere("< 421", "refused % 421, drop", "refused % 421, drop");
  check_everywhere("< 421- 421 closed", "refused % 421, drop", "refused % 421, drop");
}

TEST_CASE("a lost connection is unconfirmed only after the dot") {
  check_everywhere("closed", "lost % closed, drop", "unconfirmed: no reply (connection lost), drop");
  check_everywhere("timeout closed", "lost % timeout, drop", "unconfirmed: no reply (timed out), drop");
  check_everywhere("< 250- +250 closed", "lost % closed, drop", "unconfirmed: no reply (connection lost), drop");
}

TEST_CASE("what is no reply is garbled, and unconfirmed after the dot") {
  const std::string line = "a line that is not an SMTP reply, drop";
  for (const std::string_view next : {"< hello", "< 150", "< 250- hello", "< 25", "< +HTTP", "< hello 250 250 250"}) {
    check_everywhere(next, "garbled %: " + line, "unconfirmed: " + line);
  }
}

TEST_CASE("replies nobody can obey") {
  check_all(1, false,
            {
                {"> MAIL < 354", "garbled mail: an unexpected reply (354), drop"},
                {"> MAIL < 250 > RCPT < 354", "garbled rcpt: an unexpected reply (354), drop"},
                {"> MAIL < 250 > RCPT < 250 > DATA < 250", "garbled data: an unexpected reply (250), drop"},
                {"> MAIL < 250 > RCPT < 250 > DATA < 334", "garbled data: an unexpected reply (334), drop"},
                {"> MAIL < 250 > RCPT < 250 > DATA < 354 content commit > . < 354",
                 "unconfirmed: an unexpected reply (354), drop"},
            });
}

TEST_CASE("a reply to a command that was not sent is no answer to it") {
  check_all(1, false,
            {
                {"< 250", "garbled mail: a reply before the command was sent (250), drop"},
                {"< 550", "garbled mail: a reply before the command was sent (550), drop"},
                {"> MAIL < 250 250", "garbled rcpt: a reply before the command was sent (250), drop"},
                {"> MAIL < 250 > RCPT < 250 354", "garbled data: a reply before the command was sent (354), drop"},
            });
  check_all(3, true,
            {
                {"> MAIL RCPT RCPT RCPT < 250 250 250 250 354",
                 "garbled data: a reply before the command was sent (354), drop"},
            });
}

TEST_CASE("what the relay says during the content") {
  const std::string before = "> MAIL < 250 > RCPT < 250 > DATA < 354 ";
  for (const std::string at : {"", "content", "content commit"}) {
    check(1, false, {before + at + " < 552", "refused content 552, drop"});
    check(1, false, {before + at + " < 451- 451 closed", "refused content 451, drop"});
    check(1, false, {before + at + " < 250", "garbled content: an unexpected reply (250), drop"});
    check(1, false, {before + at + " < 354", "garbled content: an unexpected reply (354), drop"});
  }
  // The reply came in with the 354.
  check(1, false, {before + "552", "refused content 552, drop"});
  check(1, true, {"> MAIL RCPT DATA < 250 250 354 250", "garbled content: an unexpected reply (250), drop"});
}

TEST_CASE("a reply begun before the dot holds the dot back") {
  const bool begun_before_commit = GENERATE(true, false);
  Player player(1, false, {});
  CHECK(player.play("> MAIL < 250 > RCPT < 250 > DATA < 354 content") == "open content");
  Transaction& transaction = player.transaction();
  if (begun_before_commit) transaction.receive("25");
  transaction.commit();
  CHECK(transaction.want() == Transaction::Want::Exchange);
  if (!begun_before_commit) transaction.receive("25");
  CHECK(transaction.output().empty());
  CHECK(transaction.stage() == Stage::Content);
  SECTION("until it is complete") {
    transaction.receive("0 stray\r\n");
    CHECK(outcome(transaction) == "garbled content: an unexpected reply (250 stray), drop");
  }
  SECTION("or never comes") {
    transaction.lost(Loss::TimedOut);
    CHECK(outcome(transaction) == "lost content timeout, drop");
  }
}

TEST_CASE("the dot counts as sent with its first octet, and an acceptance with its last") {
  Player player(1, true, {});
  player.play("> MAIL RCPT DATA < 250 250 354 content commit");
  Transaction& transaction = player.transaction();
  const std::size_t sent = GENERATE(1U, 2U, 3U, 4U, 9U);
  transaction.sent(sent);
  transaction.abort();
  REQUIRE(transaction.want() == Transaction::Want::Exchange);
  CHECK(transaction.stage() == Stage::EndOfData);
  CHECK_FALSE(transaction.may_quit());
  SECTION("accepted") {
    transaction.receive("250 ok\r\n");
    const std::string early = "unconfirmed: an unexpected reply (250 ok), drop";
    CHECK(outcome(transaction) == (sent < 3 ? early : sent == 3 ? "accepted 250, quit" : "accepted 250, drop"));
  }
  SECTION("refused") {
    transaction.receive("451 no\r\n");
    CHECK(outcome(transaction) == (sent == 3 ? "refused end_of_data 451, quit" : "refused end_of_data 451, drop"));
  }
  SECTION("lost") {
    transaction.lost(Loss::Closed);
    const std::string whole = "unconfirmed: no reply (connection lost), drop";
    CHECK(outcome(transaction) == (sent < 3 ? "lost content closed, drop" : whole));
  }
  CHECK(transaction.output().empty());
}

TEST_CASE("a dot that never left this machine is a lost connection") {
  const bool pipelined = GENERATE(true, false);
  const auto loss = GENERATE(Loss::Closed, Loss::TimedOut);
  Player player(1, pipelined, {});
  player.play(pipelined ? "> MAIL RCPT DATA < 250 250 354 content commit"
                        : "> MAIL < 250 > RCPT < 250 > DATA < 354 content commit");
  Transaction& transaction = player.transaction();
  const std::size_t behind = pipelined ? std::string_view("QUIT\r\n").size() : 0;
  transaction.sent(3 + behind);
  SECTION("none of it") { transaction.lost(loss, 3 + behind); }
  SECTION("not its last octet") { transaction.lost(loss, 1 + behind); }
  SECTION("with the content before it") { transaction.lost(loss, 60000); }
  const std::string how = loss == Loss::Closed ? "closed" : "timeout";
  CHECK(outcome(transaction) == "lost content " + how + ", drop");
}

TEST_CASE("a QUIT that never left says nothing about the dot before it") {
  Player player(1, true, {});
  player.play("> MAIL RCPT DATA < 250 250 354 content commit");
  player.transaction().sent(9);
  player.transaction().lost(Loss::TimedOut, GENERATE(0U, 1U, 6U));
  CHECK(outcome(player.transaction()) == "unconfirmed: no reply (timed out), drop");
}

TEST_CASE("QUIT does not follow a piece of a command") {
  Transaction transaction({"MAIL FROM:<>", {"RCPT TO:<a@example.com>", "RCPT TO:<b@example.com>"}, true});
  const std::size_t mail = std::string_view("MAIL FROM:<>\r\n").size();
  const std::size_t extra = GENERATE(0U, 1U, 24U, 25U, 26U);
  transaction.sent(mail + extra);
  transaction.receive("550 no\r\n");
  CHECK(outcome(transaction) == (extra == 0 || extra == 25 ? "refused mail 550, quit" : "refused mail 550, drop"));
  transaction.sent(5);
  CHECK(transaction.output().empty());
}

TEST_CASE("a call out of turn changes nothing") {
  Transaction transaction({"MAIL FROM:<>", {"RCPT TO:<a@example.com>"}, false});
  transaction.content_sent();
  transaction.commit();
  CHECK(transaction.output() == "MAIL FROM:<>\r\n");
  transaction.sent(0);
  transaction.sent(1000);
  CHECK(transaction.output().empty());
  CHECK(outcome(transaction) == "open mail");
}

TEST_CASE("replies keep their text") {
  Player player(2, true, {});
  player.play("> MAIL RCPT RCPT");
  player.transaction().receive("250 ok\r\n250 2.1.5 fine\r\n550-5.1.1 no\r\n550 5.1.1 such user\r\n");
  const auto& replies = std::get<RecipientsRefused>(player.transaction().result()).replies;
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].text() == "250 2.1.5 fine");
  CHECK(replies[1].text() == "550-5.1.1 no 550 5.1.1 such user");
  CHECK(replies[1].status == EnhancedStatus{5, 1, 1});
}

TEST_CASE("withholding commits nothing, at any time before the dot") {
  for (const Way& way : kPlain) {
    const bool boundary = way.stage == "mail" || way.stage == "rcpt";
    const bool late = way.stage == "end_of_data";
    const std::string expected = "withheld " + std::string(way.stage) + (boundary ? ", quit" : ", drop");
    check(1, false, {std::string(way.words) + " withhold", late ? "open end_of_data" : expected});
    check(1, false,
          {std::string(way.words) + " withhold withhold closed < 250",
           late ? "unconfirmed: no reply (connection lost), drop" : "withheld " + std::string(way.stage) + ", drop"});
  }
  check_all(1, true,
            {
                {"> MAIL RCPT DATA withhold", "withheld mail, drop"},
                {"> MAIL RCPT DATA withhold < 250 250 354", "withheld mail, drop"},
                {"> MAIL RCPT DATA < 250 withhold < 550 503", "withheld rcpt, quit"},
                {"> MAIL RCPT DATA < 250 250 354 content commit > . QUIT withhold < 250", "accepted 250, drop"},
            });
}

}  // namespace
}  // namespace relaypipe
