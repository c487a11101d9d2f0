// The connection with lmtp(8) over a socket pair, as spawn(8) gives one: one descriptor for input and output.
#include "io/system/lmtp_connection.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "catch.h"
#include "io/base/unique_fd.h"
#include "io/system/system_clock.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::StartsWith;

constexpr int kPatience = 10000;  // milliseconds, for what happens at once

const std::string kHello = "LHLO client.example\r\n";
const std::string kEnvelope = "MAIL FROM:<s@example.com>\r\nRCPT TO:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n";
const std::string kHeader = "Received: by client.example (Postfix, from userid 0)\r\n\tid 7DDBAA7A045; now\r\n\r\n";

/// Both ends of a connection: lmtp(8)'s is a file descriptor, ours is served by hand.
struct Pair {
  explicit Pair(int flags = 0) {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, ends.data()) == 0);
    client = UniqueFd(ends[0]);
    server = UniqueFd(ends[1]);
    connection.emplace(server.get(), server.get(), LmtpServer::Settings{"server.example"});
  }

  void say(const std::string& octets) const {
    REQUIRE(send(client.get(), octets.data(), octets.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(octets.size()));
  }
  /// What has come to the client since it was asked last.
  std::string heard() const {
    std::string text;
    std::array<char, 4096> buffer;
    ssize_t count = 0;
    while ((count = recv(client.get(), buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0)
      text.append(buffer.data(), static_cast<std::size_t>(count));
    return text;
  }
  /// One round of an event loop. Whether anything was to be done.
  bool serve_once(int patience = 0) {
    std::vector<pollfd> fds;
    const Instant due = connection->interests(fds, clock.now());
    const int ready = poll(fds.data(), fds.size(), due <= clock.now() ? 0 : patience);
    connection->serve(fds, clock.now());
    return ready > 0;
  }
  void serve_all() {
    while (serve_once())
      continue;
  }
  /// The next event, which is on its way.
  LmtpEvent event() {
    auto event = connection->take_event();
    while (!event) {
      serve_once(kPatience);
      event = connection->take_event();
    }
    return *std::move(event);
  }

  SystemClock clock;
  UniqueFd client;
  UniqueFd server;
  std::optional<LmtpConnection> connection;
};

LmtpReply accepted(const std::string& text) { return {{2, 0, 0}, text}; }

Spool::Limits in_memory() { return {998, 1'000'000, "/nonexistent"}; }

TEST_CASE("a message: its envelope, its content into the spool, an answer for each recipient, and the next one") {
  Pair pair;
  CHECK_FALSE(pair.connection->take_event());
  CHECK(pair.heard() == "220 server.example LMTP relaypipe\r\n");
  pair.say(kHello + kEnvelope + "DATA\r\n");
  pair.serve_all();
  CHECK_FALSE(pair.connection->take_event());
  pair.heard();
  pair.say(kHeader + "Hello.\r\n..dot\r\n");

  const auto message = std::get<LmtpMessage>(pair.event());
  CHECK(message.envelope.sender.text() == "s@example.com");
  CHECK(message.envelope.recipients.size() == 2);
  CHECK(message.envelope.queue_id == "7DDBAA7A045");
  Spool spool(in_memory());
  pair.connection->content_to(spool);
  pair.serve_all();
  CHECK(spool.state() == Spool::State::Reading);
  pair.say("end\r\n.\r\n");
  while (spool.state() == Spool::State::Reading)
    pair.serve_once(kPatience);
  CHECK(spool.state() == Spool::State::Complete);
  CHECK(spool.read(0) == kHeader + "Hello.\r\n..dot\r\nend\r\n");  // in wire form, as it goes to a relay
  pair.connection->stop_content();

  CHECK(pair.heard().empty());
  CHECK_FALSE(pair.connection->idle());
  pair.connection->answer(accepted("one"));
  pair.serve_all();
  CHECK(pair.heard() == "250 2.0.0 one\r\n");
  pair.connection->answer({{4, 4, 1}, "two"});
  CHECK_FALSE(pair.connection->take_event());
  CHECK(pair.heard() == "451 4.4.1 two\r\n");
  CHECK(pair.connection->idle());

  pair.say("RSET\r\n" + kEnvelope + "DATA\r\nSubject: next\r\n\r\n.\r\nQUIT\r\n");
  CHECK(std::get<LmtpMessage>(pair.event()).envelope.recipients.size() == 2);
  Spool next(in_memory());
  pair.connection->content_to(next);
  pair.serve_all();
  CHECK(next.state() == Spool::State::Complete);
  CHECK(next.read(0) == "Subject: next\r\n\r\n");
  pair.connection->stop_content();
  pair.connection->answer(accepted("three"));
  pair.connection->answer(accepted("four"));
  CHECK(std::holds_alternative<LmtpSessionEnd>(pair.event()));
  CHECK_THAT(pair.heard(), Catch::Matchers::EndsWith("250 2.0.0 three\r\n250 2.0.0 four\r\n221 2.0.0 Bye\r\n"));
  CHECK(pair.connection->flushed());
}

TEST_CASE("however the octets are cut, the same message comes out") {
  const std::size_t part = GENERATE(1U, 2U, 7U, 64U);
  const std::string octets = kHello + kEnvelope + "DATA\r\n" + kHeader + "Hello.\r\n..dot\r\n.\r\n";
  Pair pair;
  Spool spool(in_memory());
  std::size_t messages = 0;
  for (std::size_t at = 0; at < octets.size(); at += part) {
    pair.say(octets.substr(at, part));
    pair.serve_once(kPatience);
    const auto event = pair.connection->take_event();
    if (!event) continue;
    REQUIRE(std::holds_alternative<LmtpMessage>(*event));
    ++messages;
    pair.connection->content_to(spool);
  }
  CHECK(messages == 1);
  CHECK(spool.state() == Spool::State::Complete);
  CHECK(spool.read(0) == kHeader + "Hello.\r\n..dot\r\n");
}

TEST_CASE("an event that nobody has taken holds back what comes after it") {
  Pair pair;
  pair.say(kHello + kEnvelope + "DATA\r\n" + kHeader + ".\r\nQUIT\r\n");
  std::vector<pollfd> fds;
  do {
    pair.serve_once(kPatience);
    fds.clear();
  } while (pair.connection->interests(fds, pair.clock.now()) == Instant::max());
  // The loop is told to come back at once, and not to look at the client.
  CHECK(fds.empty());
  CHECK_FALSE(pair.connection->idle());
  CHECK(std::holds_alternative<LmtpMessage>(pair.event()));
  CHECK_FALSE(pair.connection->take_event());
}

TEST_CASE("a probe is told by the silence of a client that does not pipeline") {
  Pair pair;
  pair.say(kHello);
  pair.serve_once(kPatience);
  pair.say("MAIL FROM:<>\r\n");
  pair.serve_once(kPatience);
  pair.say("RCPT TO:<a@example.org>\r\n");
  const auto probe = std::get<LmtpProbe>(pair.event());
  CHECK(probe.envelope.recipients.size() == 1);
  // While the answer is owed nothing is read.
  std::vector<pollfd> fds;
  CHECK(pair.connection->interests(fds, pair.clock.now()) == Instant::max());
  CHECK(fds.empty());
  pair.heard();
  pair.connection->answer({{5, 1, 1}, "no such user"});
  CHECK_FALSE(pair.connection->take_event());
  CHECK(pair.heard() == "550 5.1.1 no such user\r\n");
}

TEST_CASE("a client that is gone inside a content fails the spool: there is no message") {
  const bool reset = GENERATE(false, true);  // what we said was not read
  Pair pair;
  pair.say(kHello + kEnvelope + "DATA\r\n" + kHeader + "half a mess");
  CHECK(std::holds_alternative<LmtpMessage>(pair.event()));
  if (!reset) pair.heard();
  Spool spool(in_memory());
  pair.connection->content_to(spool);
  pair.serve_all();
  CHECK(spool.state() == Spool::State::Reading);
  pair.client.reset();
  while (spool.state() == Spool::State::Reading)
    pair.serve_once(kPatience);
  CHECK(spool.state() == Spool::State::Failed);
  CHECK(spool.failure() == "the connection ended before the message did");
  CHECK(std::holds_alternative<LmtpSessionEnd>(pair.event()));
  pair.connection->stop_content();
  pair.connection->answer(accepted("nobody"));
  CHECK(pair.connection->flushed());
}

TEST_CASE("a spool that gives up does not end the content: the answer is for its dot") {
  Pair pair;
  pair.say(kHello + kEnvelope + "DATA\r\n" + kHeader + "more than there is room for\r\n");
  CHECK(std::holds_alternative<LmtpMessage>(pair.event()));
  Spool spool({998, 10, "/nonexistent"});
  pair.connection->content_to(spool);
  pair.serve_all();
  CHECK(spool.state() == Spool::State::Failed);
  CHECK(pair.connection->expects_content());
  pair.say("and more\r\n.\r\n");
  while (pair.connection->expects_content())
    pair.serve_once(kPatience);
  pair.connection->stop_content();
  pair.heard();
  for (const char* const text : {"one", "two"})
    pair.connection->answer({{4, 3, 0}, text});
  CHECK_FALSE(pair.connection->take_event());
  CHECK(pair.heard() == "451 4.3.0 one\r\n451 4.3.0 two\r\n");
}

TEST_CASE("a client that is gone right after its dot has sent a whole message") {
  Pair pair;
  pair.say(kHello + kEnvelope + "DATA\r\n" + kHeader + "whole\r\n.\r\n");
  pair.client.reset();
  CHECK(std::holds_alternative<LmtpMessage>(pair.event()));
  Spool spool(in_memory());
  pair.connection->content_to(spool);
  CHECK(spool.state() == Spool::State::Complete);
}

TEST_CASE("a client that is gone between messages ends the session") {
  Pair pair;
  pair.say(kHello);
  pair.serve_all();
  pair.client.reset();
  CHECK(std::holds_alternative<LmtpSessionEnd>(pair.event()));
  CHECK(pair.connection->flushed());
}

TEST_CASE("replies leave as far as the client reads them, and none is lost") {
  const int flags = GENERATE(0, SOCK_NONBLOCK);
  Pair pair(flags);
  const int small = 1;
  REQUIRE(setsockopt(pair.server.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
  constexpr int kCommands = 8000;  // more replies than the dialogue gathers before it waits for room
  int sent = 0;
  std::string heard;
  pair.say(kHello);
  bool waited = false;
  // The client says all it can before it reads anything.
  while (sent < kCommands) {
    const std::string noop = "NOOP\r\n";
    if (send(pair.client.get(), noop.data(), noop.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
      ++sent;
      continue;
    }
    if (pair.serve_once()) continue;
    waited = waited || !pair.connection->flushed();
    heard += pair.heard();
  }
  while (pair.serve_once() || !pair.connection->flushed())
    heard += pair.heard();
  heard += pair.heard();
  CHECK(waited);
  std::size_t count = 0;
  for (std::size_t at = heard.find("250 2.0.0 Ok\r\n"); at != heard.npos; at = heard.find("250 2.0.0 Ok\r\n", at + 1))
    ++count;
  CHECK(count == kCommands);
}

TEST_CASE("input and output may be two pipes, as in a shell") {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  REQUIRE(pipe2(in.data(), O_CLOEXEC) == 0);
  REQUIRE(pipe2(out.data(), O_CLOEXEC) == 0);
  const UniqueFd ours_in(in[0]);
  UniqueFd theirs_out(in[1]);
  const UniqueFd theirs_in(out[0]);
  const UniqueFd ours_out(out[1]);
  const SystemClock clock;
  LmtpConnection connection(ours_in.get(), ours_out.get(), {"server.example"});
  CHECK_FALSE(connection.take_event());
  REQUIRE(write(theirs_out.get(), kHello.data(), kHello.size()) == static_cast<ssize_t>(kHello.size()));
  const auto serve = [&] {
    std::vector<pollfd> fds;
    connection.interests(fds, clock.now());
    REQUIRE(poll(fds.data(), fds.size(), kPatience) > 0);
    connection.serve(fds, clock.now());
  };
  serve();
  std::array<char, 4096> buffer;
  const ssize_t count = read(theirs_in.get(), buffer.data(), buffer.size());
  REQUIRE(count > 0);
  CHECK_THAT(std::string(buffer.data(), static_cast<std::size_t>(count)), StartsWith("220 server.example"));
  theirs_out.reset();
  serve();
  CHECK(std::holds_alternative<LmtpSessionEnd>(*connection.take_event()));
}

}  // namespace
}  // namespace relaypipe
