#include "message/content_decoder.h"

#include <array>
#include <string>
#include <string_view>

#include "catch.h"
#include "message/content_encoder.h"

namespace relaypipe {
namespace {

struct Decoded {
  std::string content;
  std::size_t taken = 0;
  bool ended = false;

  void take(ContentDecoder& decoder, std::string_view wire) {
    while (!wire.empty() && !ended) {
      const auto part = decoder.feed(wire);
      content += part.content;
      taken += part.taken;
      ended = part.ended;
      wire.remove_prefix(part.taken);
    }
  }
};

Decoded decoded(std::string_view wire) {
  ContentDecoder decoder;
  Decoded result;
  result.take(decoder, wire);
  return result;
}

struct Row {
  std::string_view wire;
  std::string_view content;
  bool ended = true;
};

// What follows the final dot in `wire` is not taken.
constexpr std::array kRows = {
    Row{".\r\n", ""},
    Row{"a\r\n.\r\n", "a\r\n"},
    Row{"a\r\n.\r\nQUIT\r\n", "a\r\n"},
    Row{"\r\n.\r\n", "\r\n"},
    Row{"..\r\n.\r\n", ".\r\n"},
    Row{"...\r\n..a\r\n.\r\n", "..\r\n.a\r\n"},
    Row{".a\r\nb.\r\n.\r\n", "a\r\nb.\r\n"},
    Row{".a.\r\n.\r\n", "a.\r\n"},
    Row{"..\r\n..\r\n", ".\r\n.\r\n", false},
    Row{"a", "a", false},
    Row{"a\r\n.", "a\r\n", false},
    Row{"a\r\n.\r", "a\r\n", false},
    // What others take for the end of the content.
    Row{"a\n.\nb\r\n.\r\n", "a\n.\nb\r\n"},
    Row{"a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n"},
    Row{"a\r.\r\nb\r\n.\r\n", "a\r.\r\nb\r\n"},
    Row{"a\r.\rb\r\n.\r\n", "a\r.\rb\r\n"},
    Row{"a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n"},
    Row{"a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n"},
    Row{"a\r\n.\r\r\nb\r\n.\r\n", "a\r\n\r\r\nb\r\n"},
    Row{"a\r\r\n.\r\n", "a\r\r\n"},
    Row{"a\r\n\r.\r\n.\r\n", "a\r\n\r.\r\n"},
    Row{"\n.\r\n.\r\n", "\n.\r\n"},
    Row{"\r.\r\n.\r\n", "\r.\r\n"},
    Row{std::string_view("a\0.\r\n\0\r\n.\r\n", 11), std::string_view("a\0.\r\n\0\r\n", 8)},
};

TEST_CASE("the content of DATA, in one piece, in two and octet by octet") {
  for (const Row& row : kRows) {
    CAPTURE(std::string(row.wire));
    const Decoded whole = decoded(row.wire);
    CHECK(whole.content == row.content);
    CHECK(whole.ended == row.ended);
    for (std::size_t cut = 0; cut <= whole.taken; ++cut) {
      ContentDecoder decoder;
      Decoded result;
      result.take(decoder, row.wire.substr(0, cut));
      if (!result.ended) result.take(decoder, row.wire.substr(cut));
      CHECK(result.content == row.content);
      CHECK(result.taken == whole.taken);
      CHECK(result.ended == row.ended);
    }
    ContentDecoder decoder;
    Decoded singly;
    for (const char& octet : row.wire) {
      if (!singly.ended) singly.take(decoder, {&octet, 1});
    }
    CHECK(singly.content == row.content);
    CHECK(singly.taken == whole.taken);
  }
}

TEST_CASE("what the encoder makes of a content is decoded to the same") {
  constexpr std::array kContents = {"", "a\r\n", ".\r\n..\r\n\r\n.a\r\n", "a\r\n.\r\nb\r\n", "\r\n.\r\n\r\n"};
  for (const std::string_view content : kContents) {
    ContentEncoder encoder(0);
    std::string wire;
    encoder.feed(content, wire);
    encoder.finish(wire);
    const Decoded result = decoded(wire + ".\r\n");
    CHECK(result.content == content);
    CHECK(result.ended);
  }
}

TEST_CASE("no bare line end and no lone dot leave the decoder and the encoder together") {
  for (const Row& row : kRows) {
    ContentEncoder encoder(0);
    std::string wire;
    encoder.feed(decoded(row.wire).content, wire);
    encoder.finish(wire);
    CAPTURE(std::string(row.wire), wire);
    CHECK(wire.find("\r\n.\r\n") == std::string::npos);
    CHECK_FALSE(wire.starts_with(".\r\n"));
    for (std::size_t i = 0; i < wire.size(); ++i) {
      if (wire[i] == '\n') CHECK((i > 0 && wire[i - 1] == '\r'));
      if (wire[i] == '\r') CHECK((i + 1 < wire.size() && wire[i + 1] == '\n'));
    }
  }
}

}  // namespace
}  // namespace relaypipe
