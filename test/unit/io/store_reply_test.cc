#include "catch.h"
#include "io/fleet/protocol.h"
#include "io/fleet/window_reply.h"
#include "io/fleet/wire.h"

namespace relaypipe {
namespace {

constexpr std::int64_t kNow = 1'795'000'000'123;

StoreReply number(std::int64_t value) {
  return {.kind = StoreReply::Kind::Number, .text = {}, .number = value, .list = {}};
}
StoreReply text(std::string words) {
  return {.kind = StoreReply::Kind::Text, .text = std::move(words), .number = 0, .list = {}};
}
StoreReply list(std::vector<StoreReply> parts) {
  return {.kind = StoreReply::Kind::List, .text = {}, .number = 0, .list = std::move(parts)};
}

SliceQuestion question() {
  SliceQuestion asked;
  asked.spent = 10;
  asked.granted = 12;
  asked.need = 1;
  asked.want = 5;
  asked.quota = 100;
  return asked;
}

StoreReply numbers(std::int64_t state, std::int64_t epoch, std::int64_t granted, std::int64_t urgent,
                   std::int64_t hosts = 2, std::int64_t now = kNow) {
  return list({number(state), number(epoch), number(granted), number(urgent), number(40), number(hosts), number(now),
               number(0)});
}

bool taken(const StoreReply& reply) { return static_cast<bool>(parse_slice_reply(reply, question())); }

TEST_CASE("what a store grants is between what a host has and what it asked for besides") {
  CHECK(taken(numbers(1, 7, 12, 0)));
  CHECK(taken(numbers(1, 7, 17, 5)));
  CHECK_FALSE(taken(numbers(1, 7, 18, 0)));
  CHECK_FALSE(taken(numbers(1, 7, 11, 0)));
  CHECK_FALSE(taken(numbers(1, 7, 14, 3)));
  CHECK_FALSE(taken(numbers(1, 7, INT64_MAX, 0)));
  CHECK(parse_slice_reply(numbers(1, 7, 17, 5), question())->granted == 17);
}

TEST_CASE("numbers that cannot be reckoned with are no answer") {
  CHECK_FALSE(taken(numbers(3, 7, 12, 0)));
  CHECK_FALSE(taken(numbers(1, 0, 12, 0)));
  CHECK_FALSE(taken(numbers(1, 7, 12, 0, 0)));
  CHECK_FALSE(taken(numbers(1, 7, 12, 0, INT64_MAX)));
  CHECK_FALSE(taken(numbers(1, 7, 12, 0, 2, INT64_MIN)));
  CHECK_FALSE(taken(list({number(1)})));
  CHECK_FALSE(taken(list({text("0")})));
  CHECK(parse_slice_reply(list({number(0)}), question())->stale);
}

TEST_CASE("facts with times beyond all reckoning are left, and one of each kind is enough") {
  const auto facts =
      parse_facts(list({number(kNow), text("outage"), text("1 9223372036854775807 b quota words"), text("hint"),
                        text("-1 0 b network words"), text("suspension"), text("5 -1 b unknown first"),
                        text("suspension"), text("6 -1 b unknown second")}));
  REQUIRE(facts);
  REQUIRE(facts->size() == 1);
  CHECK(facts->front().words == "first");
  CHECK_FALSE(parse_facts(list({number(INT64_MIN), text("suspension"), text("5 9 b unknown words")})));
}

TEST_CASE("a fact lasts for a hundred years at most") {
  const auto facts = parse_facts(list({number(kNow), text("suspension"), text("5 9007199254740992 b unknown words")}));
  REQUIRE(facts);
  CHECK(facts->front().left == std::chrono::days(36'500));
}

TEST_CASE("an error without words is one nevertheless") {
  const StoreReply error{.kind = StoreReply::Kind::Error, .text = {}, .number = 0, .list = {}};
  CHECK_FALSE(problem_of(error).empty());
  const auto facts = parse_facts(error);
  REQUIRE_FALSE(facts);
  CHECK_FALSE(facts.error().empty());
}

std::string replies(std::size_t count, const std::string& one) {
  std::string octets;
  for (std::size_t i = 0; i < count; ++i)
    octets += one;
  return octets;
}

TEST_CASE("a reply is as large as its limits") {
  const ReplyLimits limits{.octets = 100, .elements = 4};
  ReplyReader reader(limits);
  reader.feed("*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n" + replies(20, ":123456\r\n"));
  for (int i = 0; i < 21; ++i) {
    const auto reply = reader.next();
    REQUIRE(reply);
    CHECK(*reply);
  }
  CHECK(reader.unread() == 0);
  for (const std::string& large : {std::string("*5\r\n:1\r\n"), std::string("*2\r\n*2\r\n:1\r\n:2\r\n*1\r\n"),
                                   std::string("*2000000000\r\n"), "$200\r\n" + std::string(97, 'a')}) {
    ReplyReader fresh(limits);
    fresh.feed(large);
    CHECK_FALSE(fresh.next());
  }
}

TEST_CASE("a reply that comes octet by octet is the same") {
  ReplyReader reader;
  const std::string octets = "*2\r\n$3\r\na b\r\n*1\r\n:-7\r\n";
  for (std::size_t i = 0; i + 1 < octets.size(); ++i) {
    reader.feed(octets.substr(i, 1));
    CHECK_FALSE(*reader.next());
  }
  CHECK(reader.unread() == octets.size() - 1);
  reader.feed("\n+OK");
  const auto reply = reader.next();
  REQUIRE((reply && *reply));
  CHECK((*reply)->list[0].text == "a b");
  CHECK((*reply)->list[1].list[0].number == -7);
  CHECK(reader.unread() == 3);
}

TEST_CASE("what all hosts have left") {
  const auto time = list({text("1795000000"), text("123456")});
  const auto hosts = list({text("b"), text("5 1 3 10 1794999999000 b.example.net"), text("a"), text("no record"),
                           text("c"), text("5 1 3 99999999999999999999 0 c")});
  const auto use = parse_window(std::vector{text("42"), hosts, time});
  REQUIRE(use);
  CHECK(use->used == 42);
  REQUIRE(use->hosts.size() == 1);
  CHECK(use->hosts[0].left == 7);
  CHECK(use->hosts[0].seen.count() == 1123);
  CHECK_FALSE(
      parse_window(std::vector{text("42"), hosts, list({text("9223372036854775"), text("1000000"), text("")})}));
}

}  // namespace
}  // namespace relaypipe
