// A session over a real socket, whose other end reads only when it is told to.
#include "io/curl/session.h"

#include <sys/socket.h>

#include <array>
#include <string>

#include "catch.h"
#include "contract/relay_end.h"
#include "io/curl/library.h"

namespace relaypipe {

using contract::kPatience;
using contract::RelayEnd;

namespace {

CurlEasy connected(const std::shared_ptr<CurlMulti>& multi, RelayEnd& relay) {
  CurlEasy easy(multi);
  easy.set(CURLOPT_URL, relay.url().c_str());
  easy.set(CURLOPT_CONNECT_ONLY, 1L);
  easy.set(CURLOPT_PROXY, "");
  REQUIRE(curl_multi_add_handle(multi->get(), easy.get()) == CURLM_OK);
  for (int running = 1; running > 0;) {
    REQUIRE(curl_multi_perform(multi->get(), &running) == CURLM_OK);
    if (running > 0) curl_multi_poll(multi->get(), nullptr, 0, kPatience, nullptr);
  }
  relay.accept_one();
  return easy;
}

}  // namespace

TEST_CASE("a sender that was refused room is woken when the room came while it listened") {
  start_libcurl();
  RelayEnd relay;
  const auto multi = std::make_shared<CurlMulti>();
  CurlSession session(connected(multi, relay), std::make_unique<CurlTls>(), Capabilities{}, SessionFacts{});
  const CurlMulti::Watched& watched = *multi->watched().at(0);
  const int small = 4096;
  setsockopt(watched.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  std::array<char, 16> reply{};

  const std::string content(65536, 'x');
  while (session.send(content) > 0) {
  }
  REQUIRE(!session.flushed());
  CHECK(watched.wants_write);
  // Between being refused and listening, the relay takes all that is on its way.
  while (!session.flushed()) {
    relay.make_room(watched.fd);
    CHECK(session.receive(reply) == 0);
    CHECK(watched.wants_write);
  }
  // Once; after that nobody waits for room, and to be woken by it would be a busy loop.
  CHECK(session.receive(reply) == 0);
  CHECK(!watched.wants_write);
  CHECK(session.send("the rest") == 8);
}

TEST_CASE("what the system still holds has not left, also after the connection broke") {
  start_libcurl();
  RelayEnd relay;
  const auto multi = std::make_shared<CurlMulti>();
  CurlSession session(connected(multi, relay), std::make_unique<CurlTls>(), Capabilities{}, SessionFacts{});
  const CurlMulti::Watched& watched = *multi->watched().at(0);
  std::array<char, 16> reply{};
  CHECK(session.send("NOOP\r\n") == 6);
  CHECK(session.flushed());
  CHECK(session.unsent() == 0);
  CHECK(!watched.wants_write);

  // The relay reads nothing: its window is soon full, and there is much room on our side.
  const std::string content(32768, 'x');
  for (int i = 0; i < 64 && session.unsent() == 0; ++i)
    REQUIRE(session.send(content) == content.size());
  const std::size_t held = session.unsent();
  REQUIRE(held > 0);
  CHECK(!session.flushed());
  CHECK(session.receive(reply) == 0);
  SECTION("the wait ends when it has left") {
    pollfd writable{watched.fd, POLLOUT, 0};
    CHECK(watched.wants_write);
    CHECK(poll(&writable, 1, 0) == 0);
    relay.make_room(watched.fd);
    CHECK(session.flushed());
    CHECK(session.unsent() == 0);
    CHECK(session.receive(reply) == 0);
    CHECK(!watched.wants_write);
  }
  SECTION("a reset does not make it sent") {
    relay.reset();
    pollfd gone{watched.fd, POLLIN, 0};
    REQUIRE(poll(&gone, 1, kPatience) == 1);
    while (!session.ended())
      session.receive(reply);
    CHECK(session.unsent() == held);
  }
}

}  // namespace relaypipe
