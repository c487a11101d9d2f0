#include "message/content_encoder.h"

#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::string_literals;

/// What an encoding of a whole content showed.
struct Encoded {
  std::string wire;
  ContentFacts facts;
};

bool same(const Encoded& a, const Encoded& b) {
  const ContentFacts& x = a.facts;
  const ContentFacts& y = b.facts;
  return a.wire == b.wire && x.octets == y.octets && x.size == y.size && x.wire == y.wire &&
         x.queue_size == y.queue_size && x.header_lines == y.header_lines && x.eight_bit_body == y.eight_bit_body &&
         x.ends_in_newline == y.ends_in_newline;
}

Encoded encode(const std::vector<std::string_view>& parts, std::size_t limit) {
  ContentEncoder encoder(limit);
  Encoded result;
  for (const std::string_view part : parts)
    encoder.feed(part, result.wire);
  encoder.finish(result.wire);
  result.facts = encoder.facts();
  return result;
}

bool has_eight_bit(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) > 127) return true;
  }
  return false;
}

/// The octets of one line in a queue file, one record after the other.
std::uint64_t naive_records(std::uint64_t octets, bool header) {
  std::uint64_t sum = 0;
  for (;;) {
    const std::uint64_t data = octets < 2048 ? octets : 2048;
    sum += 1 + (data < 128 ? 1 : 2) + data;
    octets -= data;
    if (data < 2048 || (header && octets == 0)) return sum;
  }
}

/// The reference: the same rules written line by line without any state, slow and plain.
Encoded naive(std::string content, std::size_t limit) {
  Encoded result;
  ContentFacts& facts = result.facts;
  facts.octets = content.size();
  facts.ends_in_newline = content.empty() || content.back() == '\n';
  if (limit == 1) limit = 2;
  std::uint64_t dots = 0;
  bool header = true;
  while (!content.empty()) {
    const std::size_t end = content.find('\n');
    std::string line = content.substr(0, end);
    content.erase(0, end == std::string::npos ? end : end + 1);
    const std::uint64_t as_read = line.size();
    if (end != std::string::npos && line.ends_with('\r')) line.pop_back();
    if (line.empty()) header = false;
    if (header) ++facts.header_lines;
    if (!header && has_eight_bit(line)) facts.eight_bit_body = true;
    facts.queue_size += naive_records(as_read, header);
    for (char& c : line) {
      if (c == '\r') c = ' ';
    }
    if (line.starts_with('.')) ++dots;
    if (line.starts_with('.')) result.wire += '.';
    while (limit > 0 && line.size() > limit) {
      result.wire += line.substr(0, limit) + "\r\n";
      line = " " + line.substr(limit);
    }
    result.wire += line + "\r\n";
  }
  facts.wire = result.wire.size();
  facts.size = facts.wire - dots;
  return result;
}

/// Whether the encoding is the reference's, whole and at every split, octet by octet included.
void check_at_every_split(const std::string& content, std::size_t limit) {
  const Encoded expected = naive(content, limit);
  CAPTURE(content, limit, expected.wire);
  CHECK(encode({content}, limit).wire == expected.wire);
  CHECK(same(encode({content}, limit), expected));
  const std::string_view view = content;
  std::vector<std::string_view> octets;
  for (std::size_t i = 0; i < view.size(); ++i)
    octets.push_back(view.substr(i, 1));
  CHECK(same(encode(octets, limit), expected));
  for (std::size_t cut = 0; cut <= view.size(); ++cut) {
    if (!same(encode({view.substr(0, cut), {}, view.substr(cut)}, limit), expected)) FAIL_CHECK("cut at " << cut);
  }
}

struct Row {
  std::string content;
  std::string wire;
};

TEST_CASE("line ends become CRLF, a leading dot is doubled, no other CR leaves") {
  const Row row = GENERATE(
      Row{"", ""}, Row{"\n", "\r\n"}, Row{"\r\n", "\r\n"}, Row{"a\n", "a\r\n"}, Row{"a", "a\r\n"},
      Row{"a\r\nb\n", "a\r\nb\r\n"}, Row{".\n", "..\r\n"}, Row{".", "..\r\n"}, Row{"..\n", "...\r\n"},
      Row{"a.\n.b\n", "a.\r\n..b\r\n"}, Row{"\n.\n", "\r\n..\r\n"}, Row{"\r.\r\n", " .\r\n"},
      Row{"\r\n.\r\n", "\r\n..\r\n"}, Row{".\r", ".. \r\n"}, Row{".\r.\n", ".. .\r\n"}, Row{"a\r", "a \r\n"},
      Row{"\r", " \r\n"}, Row{"\r\r\n", " \r\n"}, Row{"a\r\r\r\nb", "a  \r\nb\r\n"}, Row{"a\rb\n", "a b\r\n"},
      Row{"a\n\rb\n", "a\r\n b\r\n"}, Row{"a\r\n\r\r.\r\n", "a\r\n  .\r\n"}, Row{"\0\n.\0\n"s, "\0\r\n..\0\r\n"s},
      Row{"\xff\xfe\n", "\xff\xfe\r\n"}, Row{"x\n.\r\nMAIL FROM:<a@b>\n", "x\r\n..\r\nMAIL FROM:<a@b>\r\n"});
  CAPTURE(row.content);
  CHECK(encode({row.content}, 0).wire == row.wire);
  for (std::size_t limit = 0; limit <= 20; ++limit)
    check_at_every_split(row.content, limit);
}

TEST_CASE("a line above the limit is folded as smtp(8) does it") {
  struct Folded {
    std::size_t limit;
    std::string content;
    std::string wire;
  };
  const Folded row = GENERATE(Folded{4, "abcd\n", "abcd\r\n"}, Folded{4, "abcd\r\n", "abcd\r\n"},
                              Folded{4, "abcde\n", "abcd\r\n e\r\n"}, Folded{4, "abcdefgh\n", "abcd\r\n efg\r\n h\r\n"},
                              Folded{4, "abcdefg\n", "abcd\r\n efg\r\n"},
                              // Neither the stuffed dot counts, nor does the second line begin with a dot.
                              Folded{4, ".bcd\n", "..bcd\r\n"}, Folded{4, ".bcd.\n", "..bcd\r\n .\r\n"},
                              Folded{1, "....\n", "...\r\n .\r\n .\r\n"}, Folded{1, "abc\n", "ab\r\n c\r\n"},
                              Folded{2, "abc\n", "ab\r\n c\r\n"},
                              // A CR that does not end the line counts as the blank it becomes.
                              Folded{4, "abc\r\r\n", "abc \r\n"}, Folded{4, "abcd\r\r\n", "abcd\r\n  \r\n"},
                              Folded{4, "abcd\r", "abcd\r\n  \r\n"},
                              // Octets are counted, so a character may be parted.
                              Folded{2, "a\xc3\xbc\n", "a\xc3\r\n \xbc\r\n"});
  CAPTURE(row.limit, row.content);
  CHECK(encode({row.content}, row.limit).wire == row.wire);
  check_at_every_split(row.content, row.limit);
}

TEST_CASE("any content is encoded as the reference does it, however it is cut") {
  std::mt19937 random(20260101);
  const std::string alphabet = "aab ..\r\r\n\n\n\xc3\xbc\0"s;
  for (int round = 0; round < 600; ++round) {
    std::string content(random() % 32, '\0');
    for (char& c : content)
      c = alphabet[random() % alphabet.size()];
    check_at_every_split(content, static_cast<std::size_t>(round) % 21);
  }
}

TEST_CASE("the wire form holds CR and LF only together, and no line that is only a dot") {
  std::mt19937 random(7);
  const std::string alphabet = ".\r\na"s;
  for (int round = 0; round < 3000; ++round) {
    std::string content(random() % 12, '\0');
    for (char& c : content)
      c = alphabet[random() % alphabet.size()];
    std::string wire = "\r\n" + encode({content}, random() % 6).wire;
    CAPTURE(content, wire);
    REQUIRE(wire.find("\r\n.\r\n") == std::string::npos);
    for (std::size_t at = wire.find("\r\n"); at != std::string::npos; at = wire.find("\r\n", at))
      wire.erase(at, 2);
    REQUIRE(wire.find_first_of("\r\n") == std::string::npos);
  }
}

TEST_CASE("the sizes are those of RFC 1870, of the wire and of Postfix's queue") {
  const ContentFacts facts = encode({"Subject: x\n\n.\nlong line\n"}, 6).facts;
  CHECK(facts.octets == 24);
  CHECK(facts.size == 34);  // Subjec, t: x, empty, dot, long l, ine
  CHECK(facts.wire == 35);
  CHECK(facts.queue_size == 28);
  CHECK(facts.header_lines == 1);
}

TEST_CASE("the queue size counts the records a line is stored in") {
  struct Stored {
    std::size_t line;
    std::uint64_t body;
    std::uint64_t header;
  };
  const Stored row = GENERATE(Stored{0, 2, 2}, Stored{1, 3, 3}, Stored{127, 129, 129}, Stored{128, 131, 131},
                              Stored{2047, 2050, 2050}, Stored{2048, 2053, 2051}, Stored{2049, 2054, 2054},
                              Stored{4096, 4104, 4102}, Stored{5000, 5009, 5009}, Stored{6144, 6155, 6153});
  CAPTURE(row.line);
  const std::string line = std::string(row.line, 'x') + "\n";
  CHECK(encode({"\n", line}, 998).facts.queue_size == 2 + row.body);
  CHECK(encode({line, "\n"}, 998).facts.queue_size == row.header + 2);
  check_at_every_split("a\n" + line + "\n" + line, 0);
}

TEST_CASE("8-bit octets are found wherever they are in the body, and those of the header do not count") {
  for (std::size_t at = 0; at < 40; ++at) {
    std::string line(40, 'a');
    line[at] = '\x80';
    const ContentFacts header = encode({line, "\n\nbody\n"}, 0).facts;
    CHECK_FALSE(header.eight_bit_body);
    const ContentFacts body = encode({"Subject: x\r\n\r\n", line}, 0).facts;
    CHECK(body.eight_bit_body);
  }
  const ContentFacts ascii = encode({std::string(100, '\x7f')}, 0).facts;
  CHECK_FALSE(ascii.eight_bit_body);
}

TEST_CASE("the header ends at the first empty line, as read") {
  CHECK(encode({"a\nb\n\nc\n"}, 0).facts.header_lines == 2);
  CHECK(encode({"a\r\nb\r\n\r\nc\r\n"}, 0).facts.header_lines == 2);
  CHECK(encode({"a\nb"}, 0).facts.header_lines == 2);
  CHECK(encode({"\na\n\nb\n"}, 0).facts.header_lines == 0);
  CHECK(encode({"a\n \n\nb\n"}, 0).facts.header_lines == 2);
  CHECK(encode({"a\n\r\r\n\nb\n"}, 0).facts.header_lines == 2);
  CHECK(encode({"abcdefgh\n\n"}, 3).facts.header_lines == 1);
  CHECK(encode({}, 0).facts.header_lines == 0);
}

TEST_CASE("a missing last line end is noted and made good") {
  CHECK(encode({}, 0).facts.ends_in_newline);
  CHECK(encode({"a\n"}, 0).facts.ends_in_newline);
  CHECK(encode({"a\n", ""}, 0).facts.ends_in_newline);
  CHECK_FALSE(encode({"a\nb"}, 0).facts.ends_in_newline);
  CHECK_FALSE(encode({"a\r"}, 0).facts.ends_in_newline);
  CHECK(encode({"a\r", "\n"}, 0).wire == "a\r\n");
}

TEST_CASE("the encoded part is appended to what is there") {
  ContentEncoder encoder(0);
  std::string wire = "before ";
  encoder.feed(".a\n", wire);
  CHECK(wire == "before ..a\r\n");
  wire.clear();
  encoder.feed("b", wire);
  encoder.finish(wire);
  CHECK(wire == "b\r\n");
  CHECK(encoder.facts().wire == 8);
}

}  // namespace
}  // namespace relaypipe
