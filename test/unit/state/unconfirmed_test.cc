// What earlier deliveries of the same message mean for this one.
#include "state/unconfirmed.h"

#include <string>
#include <vector>

#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;
using Kind = MessageState::Kind;

const WallTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 27) + 10h;

Envelope to(const std::vector<const char*>& recipients) {
  Envelope envelope;
  for (const char* const recipient : recipients)
    envelope.recipients.push_back(*parse_address(recipient));
  return envelope;
}

RoutePlan over(const std::vector<const char*>& relays) {
  RoutePlan plan;
  for (const char* const relay : relays) {
    Leg leg;
    leg.relay.name = relay;
    plan.legs.push_back(std::move(leg));
  }
  return plan;
}

MessageState left(Kind kind, const char* relay, std::uint64_t content = 7, Span ago = 1min) {
  return {kind, kNow - ago, content, "4Xyz", "r@example.org", relay, "what it said"};
}

TEST_CASE("accepted before: by all recipients, with the same content, and never by some") {
  const Envelope two = to({"a@example.org", "b@example.org"});
  using States = std::vector<MessageState>;
  const MessageState fine = left(Kind::Accepted, "a");
  CHECK(accepted_before(States{fine, fine}, two, 7) != nullptr);
  CHECK(accepted_before(States{}, two, 7) == nullptr);
  CHECK(accepted_before(States{fine}, two, 7) == nullptr);
  CHECK(accepted_before(States{fine, fine}, two, 8) == nullptr);
  CHECK(accepted_before(States{fine, left(Kind::Accepted, "a", 8)}, two, 7) == nullptr);
  CHECK(accepted_before(States{fine, left(Kind::Unconfirmed, "a")}, two, 7) == nullptr);
  CHECK(accepted_before(States{}, to({}), 7) == nullptr);
}

TEST_CASE("narrowed to the relay that may have the message while its hold lasts, and afterwards it is the last") {
  struct Row {
    MessageState state;
    OnUnconfirmed policy;
    std::string order;
  };
  const Row row = GENERATE(Row{left(Kind::Unconfirmed, "b"), OnUnconfirmed::SameRelay, "b"},
                           Row{left(Kind::Unconfirmed, "b", 7, 1h - 1ms), OnUnconfirmed::SameRelay, "b"},
                           Row{left(Kind::Unconfirmed, "b", 7, 1h), OnUnconfirmed::SameRelay, "acb"},
                           Row{left(Kind::Unconfirmed, "b", 8), OnUnconfirmed::SameRelay, "abc"},
                           Row{left(Kind::Unconfirmed, "d"), OnUnconfirmed::SameRelay, "abc"},
                           Row{left(Kind::Accepted, "b"), OnUnconfirmed::SameRelay, "abc"},
                           Row{left(Kind::Unconfirmed, "b"), OnUnconfirmed::Any, "acb"},
                           Row{left(Kind::Unconfirmed, "b"), OnUnconfirmed::Bounce, "abc"});
  RoutePlan plan = over({"a", "b", "c"});
  const std::vector<MessageState> known{row.state};
  const MessageState* const obeyed = narrow_to_unconfirmed(plan, known, 7, row.policy, 1h, kNow);
  CHECK((obeyed != nullptr) == (row.order != "abc"));
  std::string order;
  for (const Leg& leg : plan.legs)
    order += leg.relay.name;
  CHECK(order == row.order);
  CHECK(plan.narrowed == (row.order == "b"));
  if (!plan.narrowed) return;
  REQUIRE(plan.skipped.size() == 2);
  CHECK(plan.skipped[1].relay == "c");
  CHECK(plan.skipped[1].reason == "the message may have been delivered by b");
}

TEST_CASE("of several records the first that can bind does") {
  RoutePlan plan = over({"a", "b"});
  const std::vector<MessageState> known{left(Kind::Unconfirmed, "gone"), left(Kind::Unconfirmed, "b")};
  CHECK(narrow_to_unconfirmed(plan, known, 7, OnUnconfirmed::SameRelay, 1h, kNow) == &known[1]);
}

TEST_CASE("a record of a message comes back as it was, and nothing else does") {
  MessageState state = left(Kind::Unconfirmed, "[192.0.2.1]:587");
  const std::string octets = pack(state);
  const auto back = unpack_message(octets);
  REQUIRE(back);
  CHECK(back->kind == state.kind);
  CHECK(back->at == state.at);
  CHECK(back->content == state.content);
  CHECK(back->queue_id == state.queue_id);
  CHECK(back->recipient == state.recipient);
  CHECK(back->relay == state.relay);
  CHECK(back->words == state.words);
  for (std::size_t length = 0; length < octets.size(); ++length)
    CHECK_FALSE(unpack_message(octets.substr(0, length)));
  CHECK_FALSE(unpack_message(octets + "x"));
  std::string other = octets;
  other[0] = 2;
  CHECK_FALSE(unpack_message(other));
}

TEST_CASE("a record is of one message and one recipient, however long their names are") {
  const std::string longest(500, 'a');
  for (const std::string& recipient :
       {std::string("r@example.org"), longest + "@example.org", std::string("\xff\t@x")}) {
    MessageState state = left(Kind::Accepted, "a");
    state.recipient = recipient;
    const MessageState back = unpack_message(pack(state)).value();
    CHECK(is_of(back, "4Xyz", recipient));
    CHECK_FALSE(is_of(back, "4Xyy", recipient));
    CHECK_FALSE(is_of(back, "4Xyz", "other@example.org"));
  }
  CHECK(message_key("4Xyz", "r@example.org") != message_key("4Xyzr", "@example.org"));
}

}  // namespace
}  // namespace relaypipe
