#include "http/http_answer.h"

#include <string>
#include <string_view>
#include <vector>

#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::string_literals;

/// What a stream of octets is read as, up to its end.
std::string summary(HttpAnswerParser& parser, std::size_t left) {
  if (!parser.fault().empty()) return "fault: " + parser.fault();
  const auto answer = parser.take();
  if (!answer) return "nothing";
  std::string text = std::to_string(answer->status) + " " + answer->reason;
  for (const HttpField& field : answer->fields)
    text += " [" + field.name + "=" + field.value + "]";
  text += " (" + answer->body + ")";
  if (answer->keeps) text += " keeps";
  return left == 0 ? text : text + " left " + std::to_string(left);
}

/// Fed in pieces of a size, each as often as it is not taken whole, then ended.
std::string read_in(std::string_view octets, std::size_t first, std::size_t piece) {
  HttpAnswerParser parser;
  std::size_t left = octets.size();
  for (std::size_t size = first; !octets.empty(); size = piece) {
    const std::string_view part = octets.substr(0, size);
    const std::size_t taken = parser.feed(part);
    left -= taken;
    octets.remove_prefix(part.size());
    if (taken < part.size()) break;
  }
  parser.end();
  return summary(parser, left);
}

/// The answer, after checking that it is the same when it is cut at any octet, and in single octets.
std::string read(const std::string& octets) {
  const std::string whole = read_in(octets, octets.size(), octets.size());
  for (std::size_t cut = 1; cut < octets.size(); ++cut) {
    INFO("cut at " << cut);
    CHECK(read_in(octets, cut, octets.size()) == whole);
  }
  CHECK(read_in(octets, 1, 1) == whole);
  return whole;
}

std::string with_body(const std::string& fields, const std::string& body) {
  return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body;
}

TEST_CASE("answers in all forms") {
  struct Row {
    std::string octets;
    std::string meaning;
  };
  const Row row = GENERATE(values<Row>({
      {with_body("Content-Length: 5\r\n", "hello"), "200 OK [content-length=5] (hello) keeps"},
      {with_body("Content-Length: 0\r\n", ""), "200 OK [content-length=0] () keeps"},
      {with_body("Content-Length:5\r\nX-Y:  a b \t\r\n", "hello"), "200 OK [content-length=5] [x-y=a b] (hello) keeps"},
      {with_body("Content-Length: 5\r\nConnection: Close\r\n", "hello"),
       "200 OK [content-length=5] [connection=Close] (hello)"},
      {with_body("Content-Length: 5\r\n", "helloHTTP"), "200 OK [content-length=5] (hello) keeps left 4"},
      {with_body("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n02;x=y\r\nde\r\n0\r\n\r\n"),
       "200 OK [transfer-encoding=chunked] (abcde) keeps"},
      {with_body("Transfer-Encoding: Chunked\r\n", "A\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n"),
       "200 OK [transfer-encoding=Chunked] (0123456789) keeps"},
      {with_body("Transfer-Encoding: chunked\r\n", "1\r\n\n\r\n0\r\n\r\n"),
       "200 OK [transfer-encoding=chunked] (\n) keeps"},
      {with_body("", "until the end"), "200 OK (until the end)"},
      {with_body("", ""), "200 OK ()"},
      {"HTTP/1.1 202 \r\nContent-Length: 0\r\n\r\n", "202  [content-length=0] () keeps"},
      {"HTTP/1.1 202\r\nContent-Length: 0\r\n\r\n", "202  [content-length=0] () keeps"},
      {"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", "204 No Content [content-length=9] () keeps"},
      {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "200 OK [content-length=1] (x)"},
      {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: foo, keep-alive\r\n\r\nx",
       "200 OK [content-length=1] [connection=foo, keep-alive] (x) keeps"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" +
           with_body("Content-Length: 1\r\n", "x"),
       "200 OK [content-length=1] (x) keeps"},
      {with_body("Content-Encoding: identity\r\nContent-Length: 1\r\n", "x"),
       "200 OK [content-encoding=identity] [content-length=1] (x) keeps"},
  }));
  CHECK(read(row.octets) == row.meaning);
}

TEST_CASE("what is no answer") {
  struct Row {
    std::string octets;
    std::string fault;
  };
  const Row row = GENERATE(values<Row>({
      {"", "no answer"},
      {"220 mail.example ESMTP\r\n", "a line that begins no answer (220 mail.example ESMTP)"},
      {"HTTP/2 200\r\n\r\n", "a line that begins no answer (HTTP/2 200)"},
      {"HTTP/1.1 20\r\n\r\n", "a line that begins no answer (HTTP/1.1 20)"},
      {"HTTP/1.1 2000 OK\r\n\r\n", "a line that begins no answer (HTTP/1.1 2000 OK)"},
      {"HTTP/1.1 099 OK\r\n\r\n", "a line that begins no answer (HTTP/1.1 099 OK)"},
      {"HTTP/1.1 600 OK\r\n\r\n", "a line that begins no answer (HTTP/1.1 600 OK)"},
      {"HTTP/1.1 +20 OK\r\n\r\n", "a line that begins no answer (HTTP/1.1 +20 OK)"},
      {"\r\nHTTP/1.1 200 OK\r\n\r\n", "a line that begins no answer ()"},
      {"HTTP/1.1 200 OK\n\n", "a line that ends without CR"},
      {"HTTP/1.1 200 O\rK\r\n\r\n", "a line with a CR or NUL inside"},
      {"HTTP/1.1 200 O\0K\r\n\r\n"s, "a line with a CR or NUL inside"},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "101 Switching Protocols"},
      {with_body("no colon\r\n", ""), "a line that is not a field (no colon)"},
      {with_body("Name : x\r\n", ""), "a line that is not a field (Name : x)"},
      {with_body("A: x\r\n folded\r\n", ""), "a line that is not a field ( folded)"},
      {with_body("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), "an answer that tells its length twice"},
      {with_body("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
       "an answer that tells its length twice"},
      {with_body("Content-Length: 5, 5\r\n", "hello"), "an answer with a length that is not a number"},
      {with_body("Content-Length: -1\r\n", ""), "an answer with a length that is not a number"},
      {with_body("Content-Length: 0x5\r\n", "hello"), "an answer with a length that is not a number"},
      {with_body("Content-Length:\r\n", ""), "an answer with a length that is not a number"},
      {with_body("Transfer-Encoding: gzip, chunked\r\n", ""), "an answer with a transfer coding nobody asked for"},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "an answer with a transfer coding nobody asked for"},
      {with_body("Content-Encoding: gzip\r\nContent-Length: 1\r\n", "x"), "an answer with a coding nobody asked for"},
      {with_body("Transfer-Encoding: chunked\r\n", "x\r\n"), "a chunk without a size"},
      {with_body("Transfer-Encoding: chunked\r\n", "\r\n"), "a chunk without a size"},
      {with_body("Transfer-Encoding: chunked\r\n", "-1\r\n"), "a chunk without a size"},
      {with_body("Transfer-Encoding: chunked\r\n", "1\r\nxy\r\n"), "a chunk that is longer than it says"},
      {with_body("Transfer-Encoding: chunked\r\n", "1\r\nx\r\n"), "an answer that ends too early"},
      {with_body("Content-Length: 5\r\n", "hell"), "an answer that ends too early"},
      {"HTTP/1.1 200 OK\r\n", "an answer that ends too early"},
      {"HTTP/1.1 100 Continue\r\n\r\n", "an answer that ends too early"},
      {"HTTP", "an answer that ends too early"},
  }));
  INFO(row.octets);
  CHECK(read(row.octets) == "fault: " + row.fault);
}

TEST_CASE("an answer has bounds") {
  const std::string most(kAnswerBodyOctets, 'x');
  const std::string size = std::to_string(most.size());
  HttpAnswerParser fits;
  fits.feed(with_body("Content-Length: " + size + "\r\n", most));
  CHECK(fits.take()->body == most);

  const std::string beyond = std::to_string(most.size() + 1);
  const std::string fault = "fault: an answer of more than 65536 octets";
  CHECK(read_in(with_body("Content-Length: " + beyond + "\r\n", most + "x"), 1U << 20U, 1) == fault);
  CHECK(read_in(with_body("", most + "x"), 1U << 20U, 1) == fault);
  CHECK(read_in(with_body("Transfer-Encoding: chunked\r\n", "10001\r\n" + most + "x"), 1U << 20U, 1) == fault);

  std::string chunks;
  for (int i = 0; i < 30000; ++i)
    chunks += "1\r\nx\r\n";
  CHECK(read_in(with_body("Transfer-Encoding: chunked\r\n", chunks), 1U << 20U, 1) ==
        "fault: an answer with too many chunks");
  const std::string long_field = "X: " + std::string(kAnswerHeadOctets, 'x') + "\r\n";
  CHECK(read_in(with_body(long_field, ""), 1U << 20U, 1) == "fault: an answer with too long a head");
  std::string fields;
  for (std::size_t i = 0; i <= kAnswerFields; ++i)
    fields += "X: 1\r\n";
  CHECK(read_in(with_body(fields, ""), 1U << 20U, 1) == "fault: a line that is not a field (X: 1)");
}

TEST_CASE("an answer without end is one when it has begun") {
  HttpAnswerParser parser;
  CHECK_FALSE(parser.begun());
  parser.feed("H");
  CHECK(parser.begun());
  CHECK_FALSE(parser.complete());
  CHECK_FALSE(parser.take());
}

}  // namespace
}  // namespace relaypipe
