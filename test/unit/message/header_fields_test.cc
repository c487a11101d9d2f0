#include "message/header_fields.h"

#include <string>
#include <string_view>
#include <vector>

#include "catch.h"
#include "fake/fake_world.h"

namespace relaypipe {
namespace {

const std::vector<std::string> kNames = {"from", "to", ".dotted"};

HeaderScanner scanned(std::string_view wire, std::size_t piece, std::size_t most = HeaderScanner::kMostFields) {
  HeaderScanner scanner(kNames, most);
  while (!wire.empty()) {
    scanner.feed(wire.substr(0, piece));
    wire.remove_prefix(std::min(piece, wire.size()));
  }
  scanner.finish();
  return scanner;
}

/// The fields as text, each with its body, and what follows the header.
std::vector<std::string> texts(std::string_view wire, std::size_t piece) {
  const HeaderScanner scanner = scanned(wire, piece);
  CHECK(scanner.ended());
  std::vector<std::string> found;
  for (const HeaderField& field : scanner.fields()) {
    CHECK(field.begin < field.body);
    CHECK(field.body <= field.end);
    found.push_back(field.name + "|" + std::string(wire.substr(field.begin, field.body - field.begin)) + "|" +
                    std::string(wire.substr(field.body, field.end - field.body)));
  }
  found.emplace_back(wire.substr(scanner.end()));
  return found;
}

TEST_CASE("fields of a header, however it is cut") {
  struct Row {
    const char* wire;
    std::vector<std::string> found;
  };
  const Row row = GENERATE(values<Row>({
      {"From: a@x\r\nX: y\r\nTo: b@x\r\n\r\nTo: body\r\n",
       {"from|From:| a@x\r\n", "to|To:| b@x\r\n", "\r\nTo: body\r\n"}},
      {"X: y\r\nFROM : a@x,\r\n\tb@x,\r\n c@x\r\nY: z\r\n\r\n", {"from|FROM :| a@x,\r\n\tb@x,\r\n c@x\r\n", "\r\n"}},
      // A line of blanks continues its field.
      {"To: a\r\n \r\n b\r\n\r\n", {"to|To:| a\r\n \r\n b\r\n", "\r\n"}},
      {"To:\r\n\r\n", {"to|To:|\r\n", "\r\n"}},
      {"To:a\r\nTo:b\r\n\r\n", {"to|To:|a\r\n", "to|To:|b\r\n", "\r\n"}},
      // The dot that stuffs a line is before the name, and one that belongs to it stays.
      {"...dotted: x\r\n..dotted: y\r\nTo: z\r\n\r\n", {".dotted|..dotted:| y\r\n", "to|To:| z\r\n", "\r\n"}},
      {"..\r\nTo: z\r\n", {"..\r\nTo: z\r\n"}},
      // What is not a field ends the header.
      {"To: a\r\nno field\r\nFrom: b\r\n", {"to|To:| a\r\n", "no field\r\nFrom: b\r\n"}},
      {"To: a\r\n: x\r\n", {"to|To:| a\r\n", ": x\r\n"}},
      {"To: a\r\n\xC3\xBC: x\r\n", {"to|To:| a\r\n", "\xC3\xBC: x\r\n"}},
      {"To: a\r\nX y: x\r\n", {"to|To:| a\r\n", "X y: x\r\n"}},
      {" To: a\r\nFrom: b\r\n", {" To: a\r\nFrom: b\r\n"}},
      {"From a@x Sun Nov 29 12:00:00\r\nFrom: b\r\n", {"From a@x Sun Nov 29 12:00:00\r\nFrom: b\r\n"}},
      {"\r\nFrom: b\r\n", {"\r\nFrom: b\r\n"}},
      // A content that ends in its header.
      {"", {""}},
      {"To: a\r\n", {"to|To:| a\r\n", ""}},
      {"To: a\r\n b", {"to|To:| a\r\n b", ""}},
      {"To: a\r\nFrom", {"to|To:| a\r\n", "From"}},
  }));
  const std::size_t piece = GENERATE(1U, 2U, 3U, 7U, 1000U);
  CAPTURE(std::string(row.wire), piece);
  CHECK(texts(row.wire, piece) == row.found);
}

TEST_CASE("a name that begins like one that is looked for, and one without end") {
  const std::string longest(100000, 'x');
  CHECK(texts("Too: a\r\nT: b\r\n" + longest + ": c\r\nTo: d\r\n\r\n", 4096) ==
        std::vector<std::string>{"to|To:| d\r\n", "\r\n"});
}

TEST_CASE("no more fields are kept than were asked for") {
  std::string wire;
  for (int i = 0; i < 5; ++i)
    wire += "To: a\r\n";
  CHECK_FALSE(scanned(wire, 4, 5).overflowed());
  const HeaderScanner scanner = scanned(wire, 4, 4);
  CHECK(scanner.overflowed());
  CHECK(scanner.fields().size() == 4);
  CHECK(scanner.fields().back().end == 28);
  CHECK(scanner.end() == wire.size());
}

TEST_CASE("the header of a message") {
  fake::FakeMessage message;
  message.in_pieces_of(5);
  message.arrives("X: y\nFrom: Ann\n <a@x>\n\nbody\n");
  const auto header = read_header(message, {"from"});
  REQUIRE(header);
  REQUIRE(header->fields.size() == 1);
  CHECK(header->end == 25);
  CHECK(*field_body(message, header->fields[0]) == " Ann\r\n <a@x>");
  CHECK(field_body(message, header->fields[0], 5).error() == "is longer than 5 octets");
  message.unreadable_from(15);
  CHECK(field_body(message, header->fields[0]).error() == "cannot be read back");
  CHECK(read_header(message, {"from"}).error() == "cannot be read back");
}

TEST_CASE("a field that is put in at the end of a header is not continued by what follows") {
  fake::FakeMessage message;
  message.arrives(" no header\n");
  message.ends();
  const auto header = read_header(message, {"to"});
  REQUIRE(header);
  CHECK(header->end == 0);
  CHECK(header->closing == "\r\n");
  fake::FakeMessage usual;
  usual.arrives("To: a@x\n\n body\n");
  usual.ends();
  CHECK(read_header(usual, {"to"})->closing.empty());
}

TEST_CASE("the header of a message that is still coming") {
  fake::FakeMessage message;
  message.arrives("From: a@x\nTo: b@x\n");
  CHECK(read_header(message, {"to"}).error() == "is not whole yet");
  SECTION("its header is whole") { message.arrives("\nbody"); }
  SECTION("it has nothing else") { message.ends(); }
  const auto header = read_header(message, {"to"});
  REQUIRE(header);
  CHECK(header->fields == std::vector<HeaderField>{{"to", 11, 14, 20}});
  CHECK(header->end == 20);
}

TEST_CASE("a header with more fields of a kind than any honest one") {
  fake::FakeMessage message;
  for (std::size_t i = 0; i <= HeaderScanner::kMostFields; ++i)
    message.arrives("To: a@x\n");
  message.ends();
  CHECK(read_header(message, {"to"}).error() == "has more than 1000 fields of the same kinds");
  CHECK(read_header(message, {"from"})->fields.empty());
}

}  // namespace
}  // namespace relaypipe
