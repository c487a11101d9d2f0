// One message, several deliveries: whose dot had no reply, which was accepted, which still runs.
#include "catch.h"
#include "flow/history_flow.h"
#include "state/message_record.h"

namespace relaypipe::flow {
namespace {

using Catch::Matchers::StartsWith;

const char* const kByFirst = "delivered 2.0.0 192.0.2.1[192.0.2.1]:587: 250 ";
const char* const kBySecond = "delivered 2.0.0 192.0.2.2[192.0.2.2]:587: 250 ";

Flow& same_message(Deliveries& all, const std::vector<const char*>& recipients = {"r@example.org"}) {
  Flow& flow = all.next();
  flow.envelope.queue_id = "4Same";
  flow.envelope.recipients.clear();
  for (const char* const recipient : recipients)
    flow.envelope.recipients.push_back(*parse_address(recipient));
  flow.second();
  return flow;
}

void lose_the_reply(Deliveries& all, const std::vector<const char*>& recipients = {"r@example.org"}) {
  Flow& flow = same_message(all, recipients);
  flow.first().closes_at(".");
  REQUIRE_THAT(flow.run(), StartsWith("deferred 4.4.2"));
  all.finish();
}

std::vector<MessageState> kept(const Deliveries& all) {
  std::vector<MessageState> found;
  for (const auto& [key, value] : all.records) {
    if (key.starts_with(kMessageKeys)) found.push_back(unpack_message(value.octets).value());
  }
  return found;
}

TEST_CASE("a message whose dot had no reply goes to that relay alone while the hold lasts, then to others") {
  Deliveries all;
  all.run_settings.unconfirmed_hold = 1h;
  lose_the_reply(all);
  REQUIRE(kept(all).size() == 1);
  CHECK(kept(all)[0].relay == kFirstRelay);
  CHECK(kept(all)[0].at == all.now());
  // Not well at first: the message waits all the same.
  {
    Flow& flow = same_message(all);
    CHECK_THAT(flow.run(), StartsWith("deferred 4.4.1 connect to 192.0.2.1"));
    CHECK(flow.second().dialled.empty());
  }
  all.finish();
  all.clock += 59min;
  {
    Flow& flow = same_message(all);
    flow.first().refused();
    CHECK_THAT(flow.run(), StartsWith("deferred 4.4.1 connect to 192.0.2.1"));
    CHECK(flow.second().dialled.empty());
    REQUIRE(flow.plan.skipped.size() == 1);
    CHECK(flow.plan.skipped[0].relay == kSecondRelay);
  }
  all.finish();
  all.clock += 1min;
  Flow& flow = same_message(all);
  flow.first().refused();
  CHECK_THAT(flow.run(), StartsWith(kBySecond));
}

TEST_CASE("the hold counts from the first dot without a reply") {
  Deliveries all;
  all.run_settings.unconfirmed_hold = 1h;
  lose_the_reply(all);
  const WallTime first = all.now();
  all.clock += 30min;
  lose_the_reply(all);
  REQUIRE(kept(all).size() == 1);
  CHECK(kept(all)[0].at == first);
  all.clock += 30min;
  Flow& flow = same_message(all);
  flow.first().refused();
  CHECK_THAT(flow.run(), StartsWith(kBySecond));
}

TEST_CASE("another message, even one with the same queue id, is not bound") {
  Deliveries all;
  lose_the_reply(all);
  SECTION("another queue id") {
    Flow& flow = all.next();
    flow.second();
    CHECK_THAT(flow.run(), StartsWith(kBySecond));
  }
  SECTION("another content") {
    Flow& flow = same_message(all);
    flow.message_at(0s, "Subject: another\n\n");
    CHECK_THAT(flow.run(), StartsWith(kBySecond));
  }
  SECTION("another sender") {
    Flow& flow = same_message(all);
    flow.envelope.sender = *parse_sender("other@example.com");
    CHECK_THAT(flow.run(), StartsWith(kBySecond));
  }
  SECTION("another recipient") {
    Flow& flow = same_message(all, {"other@example.org"});
    CHECK_THAT(flow.run(), StartsWith(kBySecond));
  }
}

TEST_CASE("a record under a key that is only like the message's own is not taken for its") {
  Deliveries all;
  Flow& first = same_message(all);
  first.first();
  REQUIRE_THAT(first.run(), StartsWith(kByFirst));
  all.finish();
  const std::string key = message_key("4Same", "r@example.org");
  MessageState state = unpack_message(all.records.at(key).octets).value();
  SECTION("of another recipient") { state.recipient = "other@example.org"; }
  SECTION("of another message") { state.queue_id = "4Other"; }
  all.records[key].octets = pack(state);
  Flow& flow = same_message(all);
  flow.first();
  CHECK_THAT(flow.run(), StartsWith(kByFirst));
  CHECK(flow.first().messages.size() == 1);
}

TEST_CASE("a relay that is no longer in the plan binds nothing") {
  Deliveries all;
  lose_the_reply(all);
  Flow& flow = same_message(all);
  flow.nexthop = kSecondRelay;
  CHECK_THAT(flow.run(), StartsWith(kBySecond));
}

TEST_CASE("on_unconfirmed") {
  Deliveries all;
  SECTION("any: the next delivery takes whoever will") {
    all.run_settings.on_unconfirmed = OnUnconfirmed::Any;
    lose_the_reply(all);
    CHECK_THAT(same_message(all).run(), StartsWith(kBySecond));
  }
  SECTION("bounce: the sender is told") {
    all.run_settings.on_unconfirmed = OnUnconfirmed::Bounce;
    Flow& flow = same_message(all);
    flow.first().closes_at(".");
    CHECK_THAT(flow.run(), StartsWith("bounced 5.4.2"));
    CHECK(flow.second().commands.empty());
  }
}

TEST_CASE("several recipients are bound together, by any of them") {
  Deliveries all;
  lose_the_reply(all, {"a@example.org", "b@example.org"});
  CHECK(kept(all).size() == 2);
  all.clock += 1min;
  Flow& flow = same_message(all, {"b@example.org", "c@example.org"});
  flow.first().refused();
  CHECK_THAT(flow.run(), StartsWith("deferred 4.4.1 connect to 192.0.2.1"));
  CHECK(flow.second().dialled.empty());
}

TEST_CASE("while something is known of the message nobody is dialled before it is whole") {
  Deliveries all;
  lose_the_reply(all);
  all.clock += 1min;
  Flow& flow = same_message(all);
  flow.first();
  flow.message_at(3s);
  CHECK_THAT(flow.run(), StartsWith(kByFirst));
  CHECK(flow.first().dialled == std::vector<Duration>{3s});
  all.finish();
  SECTION("and it may break off") {
    Flow& broken = same_message(all);
    broken.scripted = true;
    broken.services.timeline.at(2s, [&] { broken.services.message.breaks("disk full"); });
    CHECK_THAT(broken.run(), StartsWith("deferred 4.3.0"));
  }
  SECTION("or never come") {
    Flow& never = same_message(all);
    never.scripted = true;
    never.services.run_settings.deadline = 10s;
    CHECK_THAT(never.run(), StartsWith("deferred 4.4.2"));
    CHECK(never.services.timeline.elapsed() == 10s);
  }
}

TEST_CASE("a delivery takes over that an earlier one was accepted") {
  Deliveries all;
  Flow& first = same_message(all, {"a@example.org", "b@example.org"});
  first.first();
  REQUIRE_THAT(first.run(), StartsWith(kByFirst));
  all.finish();
  SECTION("for all its recipients") {
    for (const auto& recipients : std::vector<std::vector<const char*>>{
             std::vector<const char*>{"a@example.org", "b@example.org"}, std::vector<const char*>{"b@example.org"}}) {
      Flow& flow = same_message(all, recipients);
      flow.first();
      CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.1[192.0.2.1]:587: 250 2.0.0 Ok: queued as FAKE; an "
                                        "earlier delivery of this message"));
      CHECK(flow.first().dialled.empty());
      CHECK(flow.second().dialled.empty());
    }
  }
  SECTION("not where one of them is new") {
    Flow& flow = same_message(all, {"a@example.org", "c@example.org"});
    flow.first();
    CHECK_THAT(flow.run(), StartsWith(kByFirst));
    CHECK(flow.first().messages.size() == 1);
  }
  SECTION("not for another content") {
    Flow& flow = same_message(all, {"a@example.org", "b@example.org"});
    flow.message_at(0s, "Subject: another\n\n");
    flow.first();
    CHECK_THAT(flow.run(), StartsWith(kByFirst));
    CHECK(flow.first().messages.size() == 1);
  }
  SECTION("not after ten minutes, when Postfix has heard of it") {
    all.clock += 10min;
    Flow& flow = same_message(all, {"a@example.org", "b@example.org"});
    flow.first();
    CHECK_THAT(flow.run(), StartsWith(kByFirst));
  }
}

TEST_CASE("where nobody heard of the acceptance it is kept as long as Postfix keeps mail") {
  Deliveries all;
  Flow& first = same_message(all);
  first.first().says(".", "250 2.0.0 Ok: queued as LATE", 12s);
  first.caller_becomes(Parent::State::Gone, 10s);
  REQUIRE_THAT(first.run(), StartsWith("delivered"));
  all.finish();
  all.clock += 4 * 24h;
  Flow& flow = same_message(all);
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.1[192.0.2.1]:587: 250 2.0.0 Ok: queued as LATE"));
  CHECK(flow.second().dialled.empty());
}

TEST_CASE("a delivery of a message that another one delivers waits, and then defers") {
  Deliveries all;
  Flow& flow = same_message(all);
  flow.first();
  flow.services.lock.anothers = true;
  SECTION("not longer than duplicate_wait") {
    CHECK(flow.run() == "deferred 4.3.0 an earlier delivery of this message is still running");
    CHECK(flow.services.timeline.elapsed() == 30s);
    CHECK(flow.first().dialled.empty());
    CHECK(flow.services.store.records.empty());
  }
  SECTION("duplicate_wait = 0") {
    flow.services.run_settings.duplicate_wait = 0s;
    CHECK_THAT(flow.run(), StartsWith("deferred 4.3.0"));
    CHECK(flow.services.timeline.elapsed() == 0s);
  }
  SECTION("nor longer than the deadline") {
    flow.services.run_settings.deadline = 5s;
    CHECK_THAT(flow.run(), StartsWith("deferred 4."));
    CHECK(flow.services.timeline.elapsed() == 5s);
  }
  SECTION("nor after a signal") {
    flow.caller_becomes(Parent::State::Terminating, 2s);
    CHECK_THAT(flow.run(), StartsWith("deferred 4.3.2"));
    CHECK(flow.services.timeline.elapsed() <= 2100ms);
  }
  SECTION("the other one ends without an acceptance") {
    flow.services.timeline.at(7s, [&] { flow.services.lock.anothers = false; });
    CHECK_THAT(flow.run(), StartsWith(kByFirst));
    CHECK(flow.services.timeline.elapsed() <= 7100ms);
  }
}

TEST_CASE("what the other one left while it was waited for is seen") {
  Deliveries all;
  {
    Flow& other = same_message(all);
    other.first();
    REQUIRE_THAT(other.run(), StartsWith(kByFirst));
  }
  all.finish();
  const auto left = std::exchange(all.records, {});
  Flow& flow = same_message(all);
  flow.services.lock.anothers = true;
  flow.services.timeline.at(7s, [&] {
    flow.services.store.records = left;
    flow.services.lock.anothers = false;
  });
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.1[192.0.2.1]:587: 250 2.0.0 Ok: queued as FAKE; an "));
  CHECK(flow.second().dialled.empty());
}

TEST_CASE("the lock is asked for every recipient at once, and not without a queue id") {
  Deliveries all;
  Flow& flow = same_message(all, {"a@example.org", "b@example.org"});
  flow.first();
  flow.run();
  CHECK(flow.services.lock.asked == std::vector<std::vector<std::string>>{{message_key("4Same", "a@example.org"),
                                                                           message_key("4Same", "b@example.org")}});
  Flow& nameless = all.next();
  nameless.envelope.queue_id.clear();
  nameless.first();
  nameless.services.lock.anothers = true;
  CHECK_THAT(nameless.run(), StartsWith(kByFirst));
  CHECK(nameless.services.lock.asked.empty());
  all.finish();
  CHECK(kept(all).size() == 2);
}

}  // namespace
}  // namespace relaypipe::flow
