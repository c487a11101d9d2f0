#include "smtp/reply.h"

#include <string>
#include <string_view>
#include <vector>

#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::string_literals;

/// Everything a stream of octets holds.
struct Stream {
  std::vector<Reply> replies;
  std::optional<ReplyFault> fault;
  bool open = false;
};

class Reader {
 public:
  void feed(std::string_view octets) {
    while (!octets.empty() && !parser_.fault()) {
      octets.remove_prefix(parser_.feed(octets));
      if (auto reply = parser_.take()) stream_.replies.push_back(*std::move(reply));
    }
  }
  Stream end() {
    stream_.fault = parser_.fault();
    stream_.open = parser_.in_reply();
    return stream_;
  }

 private:
  ReplyParser parser_;
  Stream stream_;
};

std::string summary(const Stream& stream) {
  std::string text;
  for (const Reply& reply : stream.replies) {
    text += "[" + std::to_string(reply.code) + " " + reply.status.text();
    for (const std::string& line : reply.lines)
      text += "|" + line;
    text += "]";
  }
  if (stream.fault) return text + (*stream.fault == ReplyFault::TooLong ? "TooLong" : "NotAReply");
  return text + (stream.open ? "..." : "");
}

std::string read_cut(std::string_view octets, std::size_t cut) {
  Reader reader;
  reader.feed(octets.substr(0, cut));
  reader.feed(octets.substr(cut));
  return summary(reader.end());
}

/// The stream read in one piece, after checking that every split and single octets give the same.
std::string read(std::string_view octets) {
  Reader by_octet;
  for (const char c : octets)
    by_octet.feed(std::string_view(&c, 1));
  const std::string whole = read_cut(octets, 0);
  CHECK(summary(by_octet.end()) == whole);
  for (std::size_t cut = 0; cut <= octets.size(); ++cut) {
    if (read_cut(octets, cut) != whole) FAIL_CHECK("cut at " << cut);
  }
  return whole;
}

struct Row {
  std::string octets;
  std::string expected;
};

TEST_CASE("replies are read from a stream however it is cut") {
  const Row row =
      GENERATE(Row{"250 ok\r\n", "[250 2.0.0|ok]"}, Row{"250\r\n", "[250 2.0.0|]"}, Row{"250 \r\n", "[250 2.0.0|]"},
               Row{"250 ok\n", "[250 2.0.0|ok]"}, Row{"250 ok\r\r\n", "[250 2.0.0|ok\r]"},
               Row{"250 a\rb\r\n", "[250 2.0.0|a\rb]"},
               Row{"250-one\r\n250-\r\n250 2.1.0 two\r\n", "[250 2.1.0|one||2.1.0 two]"},
               Row{"250-one\r\n250\r\n", "[250 2.0.0|one|]"}, Row{"354 go\r\n", "[354 3.0.0|go]"},
               Row{"550 5.1.1 no\r\n", "[550 5.1.1|5.1.1 no]"}, Row{"599 x\r\n", "[599 5.0.0|x]"},
               Row{"200 x\r\n", "[200 2.0.0|x]"}, Row{"450 \0\x01\xff\r\n"s, "[450 4.0.0|\0\x01\xff]"s},
               Row{"250 a\r\n550 b\r\n250 c\r\n", "[250 2.0.0|a][550 5.0.0|b][250 2.0.0|c]"}, Row{"", ""},
               Row{"2", "..."}, Row{"250 ok", "..."}, Row{"250-ok\r\n", "..."}, Row{"250 a\r\n25", "[250 2.0.0|a]..."});
  CAPTURE(row.octets);
  CHECK(read(row.octets) == row.expected);
}

TEST_CASE("the enhanced status is the last line's, where its class fits the code") {
  const Row row = GENERATE(Row{"550-5.1.1 a\r\n550 b\r\n", "5.0.0"}, Row{"550-a\r\n550 5.1.1 b\r\n", "5.1.1"},
                           Row{"550 4.2.1 x\r\n", "5.0.0"}, Row{"450 4.2.1 x\r\n", "4.2.1"},
                           Row{"250 5.0.0 x\r\n", "2.0.0"}, Row{"550 5.1.1-x\r\n", "5.0.0"},
                           Row{"250-2.0.0 a\r\n550 5.7.1 b\r\n", "5.7.1"}, Row{"550 5.7.1\r\n", "5.7.1"});
  CAPTURE(row.octets);
  Reader reader;
  reader.feed(row.octets);
  const Stream stream = reader.end();
  REQUIRE(stream.replies.size() == 1);
  CHECK(stream.replies[0].status.text() == row.expected);
}

TEST_CASE("where the lines have different codes the last one's counts, and all are shown") {
  CHECK(read("220-relay ESMTP\r\n521 5.7.1 blocked\r\n") == "[521 5.7.1|relay ESMTP|5.7.1 blocked]");
  CHECK(read("250-a\r\n251 b\r\n") == "[251 2.0.0|a|b]");
  CHECK(read("250-a\r\n550 b\r\n250 c\r\n") == "[550 5.0.0|a|b][250 2.0.0|c]");
  ReplyParser parser;
  parser.feed("220-relay ESMTP\r\n521 5.7.1 blocked\r\n");
  const Reply mixed = parser.take().value();
  CHECK(mixed.text() == "220-relay ESMTP 521 5.7.1 blocked");
  CHECK(mixed.hard());
  parser.feed("250-a\r\n250 b\r\n");
  CHECK(parser.take()->codes.empty());
}

TEST_CASE("a line that is no reply is quoted, printable and not at length") {
  const auto told = [](const std::string& octets) {
    ReplyParser parser;
    parser.feed(octets);
    return parser.fault_text();
  };
  CHECK(told("HTTP/1.1 400 Bad Request\r\n") == "a line that is not an SMTP reply: \"HTTP/1.1 400 Bad Request\"");
  CHECK(told("250-a\r\nb\x1b"
             "c\r\n") == "a line that is not an SMTP reply: \"b?c\"");
  CHECK(told("\r\n") == "a line that is not an SMTP reply: \"\"");
  CHECK(told(std::string(500, 'x') + "\r\n") ==
        "a line that is not an SMTP reply: \"" + std::string(100, 'x') + "...\"");
  CHECK(told("250 ok\r\n").empty());
}

TEST_CASE("what is not a reply is a fault, and the replies before it stand") {
  const std::string octets =
      GENERATE("\r\n"s, "\n"s, "25\r\n"s, "2500 x\r\n"s, "250x\r\n"s, "250\tx\r\n"s, "199 x\r\n"s, "600 x\r\n"s,
               "100 x\r\n"s, " 250 x\r\n"s, "hello\r\n"s, "250-a\r\nb\r\n"s,
               "2\0"s
               "50 x\r\n"s,
               "250\r\r\n"s, "250\rx\r\n"s, "\x16\x03\x01"s, "HTTP/1.1 400 Bad Request"s, "25a"s, "-50"s);
  CAPTURE(octets);
  CHECK(read(octets) == "NotAReply");
  CHECK(read("250 ok\r\n" + octets) == "[250 2.0.0|ok]NotAReply");
}

TEST_CASE("nothing is taken after a fault, nor while a reply waits") {
  ReplyParser parser;
  CHECK(parser.feed("250 a\r\n250 b\r\n") == 7);
  CHECK_FALSE(parser.in_reply());
  CHECK(parser.feed("250 b\r\n") == 0);
  CHECK(parser.take()->lines.front() == "a");
  CHECK_FALSE(parser.take());
  parser.feed("oops\r\n");
  CHECK(parser.fault() == ReplyFault::NotAReply);
  CHECK(parser.feed("250 b\r\n") == 0);
  CHECK_FALSE(parser.take());
}

TEST_CASE("a long line loses its end and is no fault") {
  const std::string head = "250 " + std::string(kReplyLineOctets - 5, 'x');
  const std::string kept(kReplyLineOctets - 4, 'x');
  CHECK(read(head + "x\r\n") == "[250 2.0.0|" + kept + "]");
  CHECK(read(head + "xy\r\n250 z\r\n") == "[250 2.0.0|" + kept + "][250 2.0.0|z]");
  CHECK(read(head + "\r\n") == "[250 2.0.0|" + kept.substr(1) + "]");
  // A CR that is not before the LF stays, wherever the line was cut.
  CHECK(read(head + "\ry\r\n") == "[250 2.0.0|" + kept.substr(1) + "\r]");
}

TEST_CASE("a reply of too many lines or octets is a fault") {
  std::string lines;
  for (std::size_t i = 1; i < kReplyLines; ++i)
    lines += "250-\n";
  CHECK(read_cut(lines + "250 end\n", 7).find("|end]") != std::string::npos);
  CHECK(read(lines + "250-\n") == "...");
  CHECK(read(lines + "250-\n2") == "TooLong");
  CHECK(read(lines + "250-\nx") == "TooLong");

  const std::string longest = "250 " + std::string(kReplyOctets - 5, 'x') + "\n";
  CHECK(read_cut(longest, 100).starts_with("[250 2.0.0|xxx"));
  CHECK(read_cut(longest + longest, 100).ends_with("x]"));
  CHECK(read_cut("250 x" + longest, 100) == "TooLong");
  for (const std::size_t cut : {std::size_t{0}, kReplyOctets - 1, kReplyOctets, kReplyOctets + 1}) {
    CHECK(read_cut(std::string(kReplyOctets + 2, '2').replace(3, 1, " "), cut) == "TooLong");
  }
  // The limits are those of one reply.
  CHECK(read_cut(lines + "250 end\n" + lines + "250 end\n", 0).ends_with("|end]"));
}

TEST_CASE("a reply is shown as one line with all its codes") {
  CHECK(Reply{550, {"5.1.1 no such", "5.1.1 user"}, {}}.text() == "550-5.1.1 no such 550 5.1.1 user");
  CHECK(Reply{250, {""}, {}}.text() == "250");
  CHECK(Reply{250, {"", ""}, {}}.text() == "250- 250");
  CHECK(Reply{450, {"a\0b\tc\x1b\xff"s, "gr\xc3\xbc\xc3\x9f"}, {}}.text() == "450-a?b c?? 450 gr\xc3\xbc\xc3\x9f");
}

TEST_CASE("the first digit of the code tells what a reply means") {
  CHECK(Reply{252, {""}, {}}.positive());
  CHECK(Reply{421, {""}, {}}.soft());
  CHECK(Reply{554, {""}, {}}.hard());
  const Reply intermediate{354, {""}, {}};
  CHECK_FALSE((intermediate.positive() || intermediate.soft() || intermediate.hard()));
  CHECK(intermediate.klass() == 3);
}

TEST_CASE("a fault has words") {
  CHECK(describe(ReplyFault::NotAReply) == "a line that is not an SMTP reply");
  CHECK(describe(ReplyFault::TooLong) == "a reply that is too long");
}

}  // namespace
}  // namespace relaypipe
