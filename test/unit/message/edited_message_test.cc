#include "message/edited_message.h"

#include <string>
#include <string_view>
#include <vector>

#include "catch.h"
#include "fake/fake_world.h"

namespace relaypipe {
namespace {

std::string whole(MessageSource& message) {
  std::string text;
  while (text.size() < message.facts().wire) {
    const std::string_view piece = message.read(text.size());
    if (piece.empty()) return text + "<cannot be read>";
    text += piece;
  }
  CHECK(text.size() == message.facts().wire);
  return text;
}

/// What the facts of a content are that is read from its own wire form.
ContentFacts facts_of(std::string_view wire) {
  std::string content;
  for (bool line_begins = true; !wire.empty(); wire.remove_prefix(1)) {
    if (!line_begins || wire.front() != '.') content += wire.front();
    line_begins = wire.front() == '\n';
  }
  ContentEncoder encoder(0);
  std::string again;
  encoder.feed(content, again);
  encoder.finish(again);
  return encoder.facts();
}

constexpr std::string_view kContent = "From: a@x\n.Odd: y\nTo: b@x\n\n.body\nbody\n";
constexpr std::string_view kWire = "From: a@x\r\n..Odd: y\r\nTo: b@x\r\n\r\n..body\r\nbody\r\n";

TEST_CASE("a header with edits") {
  struct Row {
    std::vector<Edit> edits;
    std::string wire;
  };
  const Row row = GENERATE(values<Row>({
      {{}, std::string(kWire)},
      {{{6, 9, "c@long.example"}}, "From: c@long.example\r\n..Odd: y\r\nTo: b@x\r\n\r\n..body\r\nbody\r\n"},
      {{{0, 11, ""}}, "..Odd: y\r\nTo: b@x\r\n\r\n..body\r\nbody\r\n"},
      {{{11, 21, ""}}, "From: a@x\r\nTo: b@x\r\n\r\n..body\r\nbody\r\n"},
      {{{0, 0, "..New: 1\r\n"}, {0, 0, "New: 2\r\n"}}, "..New: 1\r\nNew: 2\r\n" + std::string(kWire)},
      {{{0, 1, "f"}, {11, 21, "..Odd: z\r\nX: 1\r\n"}, {30, 30, "Y: 2\r\n"}},
       "from: a@x\r\n..Odd: z\r\nX: 1\r\nTo: b@x\r\nY: 2\r\n\r\n..body\r\nbody\r\n"},
      {{{30, 30, "Y: 2\r\n"}, {11, 30, ""}, {0, 11, ""}}, "Y: 2\r\n\r\n..body\r\nbody\r\n"},
  }));
  const std::size_t piece = GENERATE(1U, 7U, 4096U);
  fake::FakeMessage message;
  message.in_pieces_of(piece);
  message.arrives(kContent);
  message.ends();
  REQUIRE(message.wire() == kWire);
  EditedMessage edited(message, row.edits);
  CHECK(whole(edited) == row.wire);
  CHECK(edited.facts().size == facts_of(row.wire).size);
  CHECK(edited.facts().header_lines == facts_of(row.wire).header_lines);
  CHECK(edited.state() == MessageSource::State::Complete);
  // What was read is the source's, which has not changed.
  CHECK(edited.facts().octets == message.facts().octets);
  CHECK(edited.facts().queue_size == message.facts().queue_size);
  CHECK(whole(message) == kWire);
}

TEST_CASE("octets of an edited message from any offset") {
  fake::FakeMessage message;
  message.arrives(kContent);
  message.ends();
  EditedMessage edited(message, {{6, 9, "c@y"}, {11, 21, ""}, {21, 21, "Z: 1\r\n"}});
  const std::string wire = whole(edited);
  for (std::size_t offset = 0; offset < wire.size(); ++offset) {
    const std::string_view piece = edited.read(offset);
    CHECK_FALSE(piece.empty());
    CHECK(wire.substr(offset, piece.size()) == piece);
  }
  CHECK(edited.read(wire.size()).empty());
}

TEST_CASE("a source that grows behind the edits, and fails") {
  fake::FakeMessage message;
  message.arrives("From: a@x\n\nbo");
  EditedMessage edited(message, {{6, 9, "long@y"}});
  CHECK(edited.state() == MessageSource::State::Reading);
  CHECK(whole(edited) == "From: long@y\r\n\r\nbo");
  CHECK_FALSE(edited.facts().eight_bit_body);
  message.arrives("dy \xC3\xBC\n");
  CHECK(whole(edited) == "From: long@y\r\n\r\nbody \xC3\xBC\r\n");
  CHECK(edited.facts().eight_bit_body);
  message.breaks("disk full");
  CHECK(edited.state() == MessageSource::State::Failed);
  CHECK(edited.failure() == "disk full");
}

TEST_CASE("a source that cannot be read back") {
  fake::FakeMessage message;
  message.arrives(kContent);
  message.ends();
  message.unreadable_from(0);
  EditedMessage edited(message, {{6, 9, "c@y"}});
  CHECK(edited.state() == MessageSource::State::Failed);
  CHECK(edited.failure() == "the header cannot be read back");
  CHECK(edited.read(0).empty());
}

}  // namespace
}  // namespace relaypipe
