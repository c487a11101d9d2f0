// One request over HTTPS: what each end of it shows, and what is committed.
#include "deliver/http_attempt.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "fake/fake_world.h"
#include "io/base/json_reader.h"
#include "io/system/sha_digest.h"
#include "verdict/classify.h"

namespace relaypipe {
namespace {

using Catch::Matchers::StartsWith;

const std::string kTaken = "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"MessageId\":\"7\"}";
const Peer kWhere{"ses", "email.test", "192.0.2.1", 443};

/// A connection whose other end does what the test says.
class FakeHttps final : public Session {
 public:
  FakeHttps() {
    std::string secret = "the+secret/key";
    credentials_.username = "AKIA";
    credentials_.secret = Secret(secret);
  }

  [[nodiscard]] const Capabilities& capabilities() const override { return capabilities_; }
  [[nodiscard]] const SessionFacts& facts() const override { return facts_; }
  [[nodiscard]] const Credentials* credentials() const override { return &credentials_; }
  std::size_t send(std::string_view octets) override {
    const std::size_t taken = std::min(octets.size(), room);
    room -= taken;
    sent.append(octets.substr(0, taken));
    if (taken > 0 && on_send) on_send();
    return taken;
  }
  [[nodiscard]] bool flushed() override { return held == 0; }
  [[nodiscard]] std::size_t unsent() const override { return held; }
  std::size_t receive(std::span<char> buffer) override {
    const std::size_t count = std::min(buffer.size(), answer.size());
    std::copy_n(answer.begin(), count, buffer.begin());
    answer.erase(0, count);
    return count;
  }
  [[nodiscard]] bool ended() const override { return closed && answer.empty(); }
  void finish(SessionEnd how) override { end = how; }

  [[nodiscard]] std::size_t head() const { return sent.find("\r\n\r\n") + 4; }
  [[nodiscard]] std::string body() const { return sent.substr(head()); }
  [[nodiscard]] std::size_t body_size() const {
    const std::size_t at = sent.find("Content-Length: ");
    return std::stoul(sent.substr(at + 16));
  }
  [[nodiscard]] bool complete() const {
    return sent.find("\r\n\r\n") != std::string::npos && sent.size() == head() + body_size();
  }

  std::string sent;
  std::string answer;
  std::size_t room = SIZE_MAX;  ///< octets it takes yet
  std::size_t held = 0;         ///< octets that have not left
  bool closed = false;
  std::optional<SessionEnd> end;
  std::function<void()> on_send;

 private:
  Capabilities capabilities_;
  SessionFacts facts_;
  Credentials credentials_;
};

struct World {
  World() {
    relay.name = "ses";
    relay.provider = "ses";
    relay.destination.https = true;
    relay.https.region = "eu-west-1";
    envelope.sender = *parse_address("s@example.org");
    envelope.recipients.push_back(*parse_address("r@example.net"));
    message.arrives("Subject: x\n\nHello.\n");
    message.ends();
    services = {[] { return fake::FakeWallClock::start(); }, make_sha256, [] { return "boundary"; }, read_json};
  }

  AttemptResult run() {
    const AttemptContext context{.envelope = envelope,
                                 .message = message,
                                 .relay = relay,
                                 .deadline = Deadline(fake::Timeline::start() + std::chrono::hours(1)),
                                 .clock = timeline,
                                 .event_loop = timeline,
                                 .trace = &trace,
                                 .halted = [&](Parent::Look) { return halted; },
                                 .goal = goal};
    return run_http_attempt(session, kWhere, context, services).result;
  }
  std::string text() { return describe({kWhere, run(), {}, {}}); }
  /// The other end answers as soon as it has the whole request.
  void answers(const std::string& octets) {
    session.on_send = [this, octets] {
      if (session.complete()) session.answer = octets;
    };
  }

  fake::Timeline timeline;
  fake::FakeMessage message;
  fake::FakeTrace trace;
  FakeHttps session;
  Relay relay;
  Envelope envelope;
  HttpsServices services;
  TransactionRequest::Goal goal = TransactionRequest::Goal::All;
  bool halted = false;
};

TEST_CASE("a message that is taken", "[https]") {
  World world;
  world.answers(kTaken);
  CHECK(world.text() == "email.test[192.0.2.1]:443: 200 MessageId 7");
  CHECK(world.session.end == SessionEnd::Clean);
  CHECK_THAT(world.session.sent, StartsWith("POST /v2/email/outbound-emails HTTP/1.1\r\n"));
  CHECK(world.session.body().find("U3ViamVjdDogeA0KDQpIZWxsby4NCg==") != std::string::npos);
  for (const std::string& line : world.trace.lines) {
    CHECK(line.find("Signature=") == std::string::npos);
    CHECK(line.find("secret") == std::string::npos);
  }
}

TEST_CASE("an answer decides, whatever the connection does then", "[https]") {
  World world;
  SECTION("the last of its connection") {
    world.answers("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 17\r\n\r\n{\"MessageId\":\"7\"}");
    CHECK(std::holds_alternative<Accepted>(world.run()));
    CHECK(world.session.end == SessionEnd::Unusable);
  }
  SECTION("up to the end of the connection") {
    world.session.on_send = [&] {
      if (!world.session.complete()) return;
      world.session.answer = "HTTP/1.1 200 OK\r\n\r\n{\"MessageId\":\"7\"}";
      world.session.closed = true;
    };
    CHECK(std::holds_alternative<Accepted>(world.run()));
  }
  SECTION("octets behind it") {
    world.answers(kTaken + "HTTP/1.1 200 OK\r\n");
    CHECK(std::holds_alternative<Accepted>(world.run()));
    CHECK(world.session.end == SessionEnd::Unusable);
  }
  SECTION("a refusal") {
    world.answers("HTTP/1.1 429 x\r\nx-amzn-errortype: TooManyRequestsException\r\nContent-Length: 2\r\n\r\n{}");
    CHECK_THAT(world.text(), StartsWith("host email.test[192.0.2.1]:443 said: 429 TooManyRequestsException"));
    CHECK(world.session.end == SessionEnd::Clean);
  }
  SECTION("one for the credentials: nobody uses them again") {
    world.answers("HTTP/1.1 403 x\r\nContent-Length: 2\r\n\r\n{}");
    CHECK(std::holds_alternative<ApiRefusal>(world.run()));
    CHECK(world.session.end == SessionEnd::Unusable);
  }
}

TEST_CASE("before an octet of the body has left nothing can be taken", "[https]") {
  World world;
  SECTION("closed before the head") {
    world.session.room = 0;
    world.session.closed = true;
    CHECK(std::holds_alternative<Lost>(world.run()));
  }
  SECTION("the system holds all of the body") {
    world.session.on_send = [&] {
      if (world.session.sent.find("\r\n\r\n") == std::string::npos) return;
      world.session.held = world.session.body().size();
      world.session.closed = !world.session.body().empty();
    };
    CHECK(std::holds_alternative<Lost>(world.run()));
  }
  SECTION("nothing is taken, and nothing is said") {
    world.session.room = 10;
    CHECK(std::get<Lost>(world.run()).loss == Loss::TimedOut);
    CHECK(world.timeline.elapsed() == world.relay.settings->limits.mail);
  }
  CHECK(world.session.end == SessionEnd::Unusable);
}

TEST_CASE("from the first octet of the body on silence is no refusal", "[https]") {
  World world;
  const auto when_complete = [&](std::string answer, bool closes) {
    world.session.on_send = [&world, answer = std::move(answer), closes] {
      if (!world.session.complete()) return;
      world.session.answer = answer;
      world.session.closed = closes;
    };
  };
  SECTION("closed") { when_complete("", true); }
  SECTION("closed in the answer") { when_complete("HTTP/1.1 200 OK\r\nContent-", true); }
  SECTION("garbage") { when_complete("220 hello\r\n", false); }
  SECTION("no id") { when_complete("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", false); }
  SECTION("silence") { when_complete("", false); }
  SECTION("in the middle of the body") {
    world.session.on_send = [&] { world.session.closed = world.session.sent.size() > world.session.head() + 5; };
  }
  SECTION("taken before it was there") {
    world.session.room = SIZE_MAX;
    world.session.on_send = [&] {
      if (!world.session.complete() && world.session.sent.find("\r\n\r\n") != std::string::npos &&
          !world.session.body().empty()) {
        world.session.answer = kTaken;
      }
    };
  }
  CHECK(std::holds_alternative<Unconfirmed>(world.run()));
  CHECK(world.session.end == SessionEnd::Unusable);
}

TEST_CASE("who has to stop commits nothing", "[https]") {
  World world;
  SECTION("at once") { world.halted = true; }
  SECTION("at the last octet") {
    world.session.on_send = [&] {
      const bool head = world.session.sent.find("\r\n\r\n") != std::string::npos;
      world.halted = head && world.session.body().size() + 1 == world.session.body_size();
    };
  }
  CHECK(std::holds_alternative<Aborted>(world.run()));
  CHECK_FALSE(world.session.complete());
}

TEST_CASE("the last octet leaves when all before it have", "[https]") {
  World world;
  world.answers(kTaken);
  bool waited = false;
  world.session.on_send = [&] {
    if (world.session.complete()) {
      CHECK(waited);
      world.session.answer = kTaken;
    } else if (world.session.sent.find("\r\n\r\n") != std::string::npos &&
               world.session.body().size() + 1 == world.session.body_size()) {
      world.session.held = 3;
      world.timeline.after(std::chrono::seconds(2), [&] {
        waited = true;
        world.session.held = 0;
      });
    }
  };
  CHECK(std::holds_alternative<Accepted>(world.run()));
}

TEST_CASE("what is not even asked", "[https]") {
  World world;
  SECTION("too many recipients for one request") {
    for (int i = 0; i < 50; ++i)
      world.envelope.recipients.push_back(*parse_address("r" + std::to_string(i) + "@example.net"));
    CHECK(std::get<ApiUnsupported>(world.run()).why == ApiUnsupported::Why::TooManyRecipients);
  }
  SECTION("the administrator's own limit") {
    world.relay.max_size = 5;
    CHECK(std::get<Unsupported>(world.run()).limit == 5);
  }
  SECTION("an address probe") {
    world.goal = TransactionRequest::Goal::Verify;
    CHECK(std::holds_alternative<Deliverable>(world.run()));
  }
  CHECK(world.session.sent.empty());
  CHECK(world.session.end == SessionEnd::Clean);
}

}  // namespace
}  // namespace relaypipe
