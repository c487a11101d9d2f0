// The header of a message, in the wire form of DATA, and edits to it. The fields found must not depend on how the
// octets are cut, and edits must change what they name and nothing else.
#include <algorithm>
#include <string>
#include <vector>

#include "fuzz.h"
#include "message/content_encoder.h"
#include "message/edited_message.h"
#include "message/header_fields.h"

namespace {

using namespace relaypipe;

const std::vector<std::string> kNames = {"from", "to", "bcc", "."};

class MemoryMessage final : public MessageSource {
 public:
  MemoryMessage(std::string_view content, std::size_t piece) : piece_(piece) {
    encoder_.feed(content, wire_);
    encoder_.finish(wire_);
  }
  [[nodiscard]] State state() const override { return State::Complete; }
  [[nodiscard]] const std::string& failure() const override { return none_; }
  [[nodiscard]] const ContentFacts& facts() const override { return encoder_.facts(); }
  std::string_view read(std::uint64_t offset) override { return std::string_view(wire_).substr(offset, piece_); }
  [[nodiscard]] const std::string& wire() const { return wire_; }

 private:
  ContentEncoder encoder_{998};
  std::size_t piece_;
  std::string wire_;
  std::string none_;
};

std::string whole(MessageSource& message) {
  std::string text;
  while (text.size() < message.facts().wire) {
    const std::string_view piece = message.read(text.size());
    must(!piece.empty(), "there is an octet below the end");
    text += piece;
  }
  must(text.size() == message.facts().wire, "the wire form has the octets that are announced");
  return text;
}

std::uint64_t stuffed_dots(std::string_view wire) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < wire.size(); ++i)
    count += wire[i] == '.' && (i == 0 || wire[i - 1] == '\n') ? 1 : 0;
  return count;
}

void check_fields(const Header& header, std::string_view wire) {
  std::uint64_t from = 0;
  for (const HeaderField& field : header.fields) {
    must(from <= field.begin && field.begin < field.body && field.body <= field.end, "fields are in order", wire);
    must(wire[field.body - 1] == ':', "a body begins behind the colon", wire);
    must(field.begin == 0 || wire[field.begin - 1] == '\n', "a field begins a line", wire);
    must(wire.substr(field.end - 2, 2) == "\r\n", "a field ends with its line", wire);
    from = field.end;
  }
  must(from <= header.end && header.end <= wire.size(), "the header ends behind its fields", wire);
  must(wire.substr(0, header.end).find("\r\n\r\n") == wire.npos, "an empty line ends the header", wire);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string content(data + 1, data + size);
  MemoryMessage message(content, std::size_t{data[0]} % 16 + 1);
  const auto header = read_header(message, kNames);
  MemoryMessage same(content, 100000);
  const auto again = read_header(same, kNames);
  must(header.operator bool() == again.operator bool(), "pieces change nothing", content);
  if (!header) return 0;
  must(header->fields == again->fields && header->end == again->end, "pieces change no field", content);
  check_fields(*header, message.wire());
  // All fields that were found are taken out, and one is put in at the end.
  const std::string put_in = "Bcc: x\r\n" + std::string(header->closing);
  std::vector<Edit> edits = {{header->end, header->end, put_in}};
  std::string expected = message.wire();
  expected.insert(header->end, put_in);
  for (auto field = header->fields.rbegin(); field != header->fields.rend(); ++field) {
    edits.push_back({field->begin, field->end, ""});
    expected.erase(field->begin, field->end - field->begin);
  }
  EditedMessage edited(message, edits);
  must(whole(edited) == expected, "edits change what they name", content);
  must(edited.facts().size == expected.size() - stuffed_dots(expected), "the size counts no stuffed dots", content);
  const auto left = read_header(edited, kNames);
  must(left && left->fields.size() == 1 && left->fields[0].name == "bcc", "an edited header has what is left", content);
  return 0;
}
