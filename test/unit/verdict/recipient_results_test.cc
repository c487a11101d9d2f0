#include "verdict/recipient_results.h"

#include <string>

#include "catch.h"

namespace relaypipe {
namespace {

Reply reply(int code) { return {code, {"text"}, {code / 100, 0, 0}}; }

/// `accepted 0 2, refused 1`: the results in their order.
std::string shown(const std::vector<RecipientResult>& results) {
  std::string text;
  for (const RecipientResult& one : results) {
    text += text.empty() ? "" : ", ";
    if (std::holds_alternative<Accepted>(one.what)) text += "accepted";
    if (std::holds_alternative<Unconfirmed>(one.what)) text += "unconfirmed";
    if (std::holds_alternative<Refused>(one.what)) text += "refused-all";
    if (const auto* refused = std::get_if<RecipientsRefused>(&one.what))
      text += "refused-" + std::to_string(refused->replies.at(0).code);
    if (const auto* fine = std::get_if<Deliverable>(&one.what))
      text += "deliverable-" + std::to_string(fine->reply.code);
    for (const std::size_t place : one.recipients)
      text += " " + std::to_string(place);
  }
  return text;
}

TEST_CASE("every recipient has the result that is its own") {
  const std::vector<std::size_t> places{1, 4, 7};
  const auto split = [&](const AttemptResult& whole, const std::vector<Reply>& replies) {
    return shown(split_by_recipient(whole, replies, places));
  };
  const std::vector<Reply> mixed{reply(550), reply(250), reply(451)};
  CHECK(split(Accepted{reply(250)}, mixed) == "accepted 4, refused-550 1, refused-451 7");
  CHECK(split(Accepted{reply(250)}, {reply(250), reply(250), reply(251)}) == "accepted 1 4 7");
  CHECK(split(Unconfirmed{"no reply"}, mixed) == "unconfirmed 4, refused-550 1, refused-451 7");
  CHECK(split(Refused{Stage::EndOfData, reply(554)}, mixed) == "refused-all 4, refused-550 1, refused-451 7");
  CHECK(split(Deliverable{reply(250)}, {reply(252), reply(550), reply(250)}) ==
        "deliverable-252 1, refused-550 4, deliverable-250 7");
}

TEST_CASE("a transaction that ended before all RCPT were answered is the same for the others") {
  const std::vector<std::size_t> places{0, 1, 2};
  CHECK(shown(split_by_recipient(Refused{Stage::Mail, reply(451)}, {}, places)) == "refused-all 0 1 2");
  const std::vector<Reply> one{reply(550)};
  CHECK(shown(split_by_recipient(Refused{Stage::Rcpt, reply(421)}, one, places)) == "refused-all 1 2, refused-550 0");
}

TEST_CASE("all refused: nobody is left whom the whole speaks of") {
  const std::vector<Reply> replies{reply(550), reply(450)};
  const std::vector<std::size_t> places{0, 1};
  CHECK(shown(split_by_recipient(RecipientsRefused{replies}, replies, places)) == "refused-550 0, refused-450 1");
}

TEST_CASE("an attempt concerns all recipients unless it names them") {
  Envelope envelope;
  envelope.recipients = {*parse_address("a@example.org"), *parse_address("b@example.org")};
  Attempt attempt;
  CHECK(recipients_of(attempt, envelope) == std::vector<std::size_t>{0, 1});
  attempt.recipients = {1};
  CHECK(recipients_of(attempt, envelope) == std::vector<std::size_t>{1});
}

}  // namespace
}  // namespace relaypipe
