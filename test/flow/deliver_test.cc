// The spine over fakes: which relay gets the message when another cannot be reached, and what Postfix is told.
#include "deliver/deliver.h"

#include "catch.h"
#include "flow/flow.h"

namespace relaypipe::flow {
namespace {

using Catch::Matchers::StartsWith;
using Times = std::vector<Duration>;

const char* const kBySecond =
    "delivered 2.0.0 192.0.2.2[192.0.2.2]:587: 250 2.0.0 Ok: queued as FAKE; tried 192.0.2.1: ";

TEST_CASE("the first relay takes the message and no other is asked") {
  Flow flow;
  flow.first();
  CHECK(flow.run() == "delivered 2.0.0 192.0.2.1[192.0.2.1]:587: 250 2.0.0 Ok: queued as FAKE");
  CHECK(flow.first().commands == whole_transaction());
  CHECK(flow.first().messages == std::vector<std::string>{std::string(kWire)});
  CHECK(flow.second().dialled.empty());
  CHECK(flow.services.timeline.elapsed() == 0s);
}

TEST_CASE("a first relay that fails costs only the time its failure took") {
  struct Row {
    SessionFailure why;
    Duration takes;
    const char* brief;
  };
  const Row row =
      GENERATE(Row{{Stage::Connect, SessionError::Unconnected, "Connection refused"}, 0ms, "Connection refused"},
               Row{{Stage::Connect, SessionError::Unconnected, "No route to host"}, 3ms, "No route to host"},
               Row{{Stage::Greeting, SessionError::Lost, ""},
                   10ms,
                   "lost connection while receiving the initial server greeting"},
               Row{{Stage::Ehlo, SessionError::Lost, ""}, 20ms, "lost connection while performing the EHLO handshake"},
               Row{{Stage::Greeting, SessionError::ProtocolError, "a line that is not an SMTP reply"},
                   5ms,
                   "a line that is not an SMTP reply"},
               Row{{Stage::StartTls, SessionError::TlsMissing, ""}, 5ms, "does not offer TLS"},
               Row{{Stage::Tls, SessionError::Untrusted, "certificate expired"}, 5ms, "certificate expired"},
               Row{{Stage::Auth, SessionError::AuthMissing, "no mechanism"}, 5ms, "no mechanism"});
  CAPTURE(row.brief);
  Flow flow;
  flow.first().fails(row.why, row.takes);
  flow.second();
  CHECK(flow.run() == kBySecond + std::string(row.brief));
  CHECK(flow.first().dialled == Times{0s});
  CHECK(flow.second().dialled == Times{row.takes});
  CHECK(flow.second().commands == whole_transaction());
}

TEST_CASE("a refusal to talk, whatever its class, sends the message to the next relay") {
  const std::string greeting = GENERATE("554 5.7.1 no service", "421 4.3.2 shutting down", "450 4.7.1 slow down");
  Flow flow;
  flow.first().greets(greeting, 1ms);
  flow.second();
  CHECK(flow.run() == kBySecond + greeting);
  CHECK(flow.second().messages.size() == 1);
}

TEST_CASE("a silent first relay costs the patience, exactly") {
  const Stage stage = GENERATE(Stage::Connect, Stage::Greeting, Stage::Ehlo, Stage::Tls, Stage::Auth);
  const Duration patience = GENERATE(2000ms, 500ms);
  CAPTURE(name(stage), patience.count());
  Flow flow;
  flow.settings.patience = patience;
  flow.first().silent_at(stage);
  flow.second();
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2[192.0.2.2]:587: 250 "));
  CHECK(flow.second().dialled == Times{patience});
  CHECK(flow.services.timeline.elapsed() == patience);
  CHECK(flow.first().cancelled == std::vector<Stage>{stage});
  CHECK(flow.first().commands.empty());
}

TEST_CASE("two silent relays cost the patience twice") {
  Flow flow(kThree);
  flow.first().silent_at(Stage::Connect);
  flow.second().silent_at(Stage::Greeting);
  flow.third();
  CHECK(flow.run() ==
        "delivered 2.0.0 192.0.2.3[192.0.2.3]:587: 250 2.0.0 Ok: queued as FAKE; tried 192.0.2.2: too slow while "
        "receiving the initial server greeting, 192.0.2.1: connection timed out");
  CHECK(flow.services.timeline.elapsed() == 4s);
}

TEST_CASE("a slow first relay wins when the second one fails") {
  Flow flow;
  flow.first().ready_after(7s);
  flow.second().refused(1ms);
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.1[192.0.2.1]:587: 250 "));
  CHECK(flow.services.timeline.elapsed() == 7s);
  CHECK(flow.first().dialled == Times{0s});
}

TEST_CASE("a slow first relay that is ready before the second wins, and the second gets nothing") {
  Flow flow;
  flow.first().ready_after(2500ms);
  flow.second().ready_after(1s);
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.1[192.0.2.1]:587: 250 "));
  CHECK(flow.second().dialled == Times{2s});
  CHECK(flow.second().cancelled.size() == 1);
  CHECK(flow.second().commands.empty());
}

TEST_CASE("a relay that was ready too, but second, is left with QUIT") {
  Flow flow;
  flow.first().ready_after(2500ms);
  flow.second().ready_after(500ms);
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2."));
  const bool first_won = flow.first().messages.size() == 1;
  CHECK((first_won ? flow.second() : flow.first()).commands == std::vector<std::string>{"QUIT"});
  CHECK(flow.first().messages.size() + flow.second().messages.size() == 1);
  CHECK(flow.first().open_sessions + flow.second().open_sessions == 0);
}

TEST_CASE("all relays refuse the connection: deferred with Postfix's text") {
  Flow flow;
  CHECK(flow.run() ==
        "deferred 4.4.1 connect to 192.0.2.2[192.0.2.2]:587: Connection refused; tried 192.0.2.1: Connection refused");
  CHECK(flow.services.timeline.elapsed() == 0s);
}

TEST_CASE("all relays greet with 554: nothing of it is the message's, so it is deferred") {
  Flow flow;
  flow.first().greets("554 5.7.1 no service for you");
  flow.second().greets("554 5.3.2 closed");
  CHECK(flow.run() ==
        "deferred 4.3.2 host 192.0.2.2[192.0.2.2]:587 refused to talk to me: 554 5.3.2 closed; tried 192.0.2.1: 554 "
        "5.7.1 no service for you");
}

TEST_CASE("all relays black-holed: the last ones get the long limit, then it is deferred") {
  Flow flow;
  flow.first().silent_at(Stage::Connect);
  flow.second().silent_at(Stage::Connect);
  CHECK(flow.run() ==
        "deferred 4.4.1 connect to 192.0.2.2[192.0.2.2]:587: Connection timed out; tried 192.0.2.1: "
        "connection timed out");
  CHECK(flow.services.timeline.elapsed() == 32s);
}

TEST_CASE("sessions are opened while the message is still coming in") {
  Flow flow;
  flow.first().silent_at(Stage::Connect);
  flow.second().ready_after(1s);
  flow.message_at(10s);
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.2[192.0.2.2]:587: 250 "));
  CHECK(flow.second().dialled == Times{2s});
  CHECK(flow.services.timeline.elapsed() == 10s);
  CHECK(flow.delivered.delays.reading == 10s);
  CHECK(flow.delivered.delays.setup == 0s);
}

TEST_CASE("a ready session that dies while the message is coming in is opened again") {
  Flow flow;
  flow.first().breaks_at(4s);
  flow.second();
  flow.message_at(10s);
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.1[192.0.2.1]:587: 250 "));
  CHECK(flow.first().commands == whole_transaction());
  CHECK(flow.first().sessions == 2);
  CHECK(flow.second().dialled.empty());
  CHECK(flow.services.timeline.elapsed() == 10s);
}

TEST_CASE("no relay at all is a configuration fault and deferred") {
  Flow flow;
  RoutePlan none;
  flow.services.message.ends();
  DeliveryHistory history(flow.services.history(), flow.envelope, flow.services.timeline.now() + 1min);
  Services services = flow.services.services(history);
  const DeliveryRequest order{flow.envelope, none,      flow.services.run_settings,
                              flow.self,     Random(1), flow.services.timeline.now()};
  const Delivered delivered = deliver(order, services);
  CHECK(delivered.verdicts.front().disposition == Disposition::Deferred);
  CHECK(delivered.verdicts.front().status == EnhancedStatus{4, 3, 5});
  CHECK(delivered.verdicts.front().text == "no relay to deliver to");
}

TEST_CASE("never more than max_sessions are being opened, and every relay gets its turn") {
  Flow flow("[192.0.2.1]:587, [192.0.2.2]:587, [192.0.2.3]:587, [192.0.2.4]:587, [192.0.2.5]:587");
  flow.services.run_settings.max_sessions = GENERATE(1U, 2U, 3U);
  for (int i = 1; i < 5; ++i)
    flow.relay("192.0.2." + std::to_string(i) + ":587").silent_at(Stage::Greeting);
  flow.relay("192.0.2.5:587");
  CHECK_THAT(flow.run(), StartsWith("delivered 2.0.0 192.0.2.5[192.0.2.5]:587: 250 "));
  CHECK(flow.services.timeline.elapsed() == 8s);
  CHECK(flow.services.dialer.most_at_once() == flow.services.run_settings.max_sessions);
}

}  // namespace
}  // namespace relaypipe::flow
