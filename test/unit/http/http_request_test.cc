#include "http/http_request.h"

#include <string>
#include <string_view>

#include "base/base64.h"
#include "catch.h"
#include "fake/fake_world.h"

namespace relaypipe {
namespace {

/// The whole body, taken in pieces of at most so many octets.
std::string whole(RequestBody& body, std::size_t piece) {
  std::string text;
  for (std::string_view next = body.next(); !next.empty(); next = body.next()) {
    const std::size_t count = std::min(piece, next.size());
    text += next.substr(0, count);
    body.take(count);
  }
  return text;
}

fake::FakeMessage message_of(std::string_view content, std::size_t piece) {
  fake::FakeMessage message;
  message.in_pieces_of(piece);
  message.arrives(content);
  message.ends();
  return message;
}

TEST_CASE("a message in a body, as it is and coded, however it comes and goes") {
  const std::string content = GENERATE(values<std::string>({
      "",
      "a\r\n",
      "Subject: x\r\n\r\n.\r\n..\r\n.dot\r\nend\r\n",
      "ab\r\n",
      "abc\r\n",
      "\xFF\x80\r\n",
  }));
  const std::size_t pieces = GENERATE(1U, 2U, 3U, 4U, 5U, 7U, 4096U);
  const std::size_t taken = GENERATE(1U, 3U, 4096U);
  fake::FakeMessage message = message_of(content, pieces);
  REQUIRE(message.facts().size == content.size());
  const HttpRequest plain{"POST", "/", {}, "before|", "|after", MessageInBody{BodyCoding::AsIs}};
  RequestBody body(plain, &message);
  CHECK(whole(body, taken) == "before|" + content + "|after");
  CHECK(body.ended());
  CHECK(body.size() == content.size() + 13);

  const HttpRequest coded{"POST", "/", {}, "{\"", "\"}", MessageInBody{BodyCoding::Base64}};
  RequestBody coded_body(coded, &message);
  CHECK(coded_body.size() == base64(content).size() + 4);
  CHECK(whole(coded_body, taken) == "{\"" + base64(content) + "\"}");
  CHECK(coded_body.ended());
  coded_body.rewind();
  CHECK(coded_body.taken() == 0);
  CHECK(whole(coded_body, 4096) == "{\"" + base64(content) + "\"}");
}

TEST_CASE("a large message takes no more memory than a piece") {
  std::string content;
  while (content.size() < 300000)
    content += "a line of a large message that has to be coded piece by piece\r\n";
  fake::FakeMessage message = message_of(content, 1U << 20U);
  const HttpRequest request{"POST", "/", {}, "", "", MessageInBody{BodyCoding::Base64}};
  RequestBody body(request, &message);
  CHECK(body.next().size() <= 65536);
  CHECK(whole(body, 1U << 20U) == base64(content));
}

TEST_CASE("a message that cannot be read back ends the body early") {
  fake::FakeMessage message = message_of("Subject: x\r\n\r\nbody\r\n", 4);
  message.unreadable_from(8);
  const BodyCoding coding = GENERATE(BodyCoding::AsIs, BodyCoding::Base64);
  const HttpRequest request{"POST", "/", {}, "", "after", MessageInBody{coding}};
  RequestBody body(request, &message);
  const std::string text = whole(body, 4096);
  CHECK(text == (coding == BodyCoding::AsIs ? "Subject:" : "U3ViamVj"));
  CHECK_FALSE(body.ended());
}

TEST_CASE("a body without a message") {
  const HttpRequest request{"POST", "/", {}, "a", "b"};
  RequestBody body(request, nullptr);
  CHECK(body.size() == 2);
  CHECK(whole(body, 1) == "ab");
  const HttpRequest none{"GET", "/", {}, "", ""};
  RequestBody nothing(none, nullptr);
  CHECK(nothing.ended());
  CHECK(nothing.next().empty());
}

TEST_CASE("the head of a request") {
  const HttpRequest post{"POST", "/a?b=c", {{"Content-Type", "text/plain"}}, "", ""};
  std::vector<SecretField> fields;
  std::string secret = "Bearer token";
  fields.push_back({"Authorization", Secret(secret)});
  CHECK(request_head(post, "api.example.com", 17, fields).reveal() ==
        "POST /a?b=c HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: relaypipe\r\nAccept: */*\r\n"
        "Content-Type: text/plain\r\nContent-Length: 17\r\nAuthorization: Bearer token\r\n\r\n");
  const HttpRequest get{"GET", "/", {}, "", ""};
  CHECK(request_head(get, "h:8443", 0, {}).reveal() ==
        "GET / HTTP/1.1\r\nHost: h:8443\r\nUser-Agent: relaypipe\r\nAccept: */*\r\n\r\n");
}

}  // namespace
}  // namespace relaypipe
