#include "message/completeness.h"

#include <string>

#include "catch.h"

namespace relaypipe {
namespace {

using Catch::Matchers::StartsWith;

constexpr std::uint64_t kTolerance = 8192;
constexpr std::uint64_t kUnedited = 2 + 34;  // an empty record at the end, and a milter that changes nothing

ContentFacts came(std::uint64_t queue_size, std::uint64_t header_lines = 0, bool ends = true) {
  ContentFacts facts;
  facts.queue_size = queue_size;
  facts.header_lines = header_lines;
  facts.ends_in_newline = ends;
  return facts;
}

Envelope announced(std::optional<std::uint64_t> size, std::string queue_id = "4Xyz") {
  Envelope envelope;
  envelope.queue_id = std::move(queue_id);
  envelope.announced_size = size;
  return envelope;
}

TEST_CASE("what came as announced, or is longer, is complete") {
  const std::uint64_t size = GENERATE(0U, 1U, 500U, 1U << 30U);
  const std::uint64_t more = GENERATE(0U, 1U, 2U, 100000U);
  CHECK_FALSE(truncation(came(size + more), announced(size), 0));
}

TEST_CASE("so much may be missing, and one octet more is truncation") {
  struct Row {
    std::uint64_t announced;
    std::uint64_t header_lines;
    std::uint64_t tolerance;
    std::uint64_t room;
  };
  const Row row = GENERATE(
      Row{1000000, 0, 0, kUnedited}, Row{1000000, 10, 0, kUnedited + 150},
      Row{1000000, 0, kTolerance, kUnedited + kTolerance}, Row{1000000, 4, kTolerance, kUnedited + 60 + kTolerance},
      Row{1000, 0, kTolerance, kUnedited + 500},  // never more than half of the message
      Row{16384, 0, kTolerance, kUnedited + kTolerance}, Row{16382, 0, kTolerance, kUnedited + 8191});
  CAPTURE(row.announced, row.header_lines, row.tolerance);
  const Envelope envelope = announced(row.announced);
  CHECK_FALSE(truncation(came(row.announced - row.room, row.header_lines), envelope, row.tolerance));
  const auto why = truncation(came(row.announced - row.room - 1, row.header_lines), envelope, row.tolerance);
  REQUIRE(why);
  CHECK_THAT(*why,
             StartsWith(std::to_string(row.announced - row.room - 1) + " octets came (as Postfix counts them) of " +
                        std::to_string(row.announced) + " announced"));
}

TEST_CASE("a huge announced size or tolerance does not wrap around") {
  CHECK(truncation(came(100), announced(UINT64_MAX), kTolerance));
  CHECK(truncation(came(0), announced(UINT64_MAX), UINT64_MAX));
  CHECK_FALSE(truncation(came(UINT64_MAX / 4 + 1), announced(UINT64_MAX / 2), UINT64_MAX));
}

TEST_CASE("a content with a mark of its end is complete whatever its size") {
  Envelope envelope = announced(100000);
  envelope.delimited = true;
  CHECK_FALSE(truncation(came(1), envelope, 0));
  CHECK_FALSE(truncation(came(1, 0, false), envelope, 0));
}

TEST_CASE("a message of Postfix ends with a line end, whatever its size") {
  CHECK(truncation(came(500, 0, false), announced(500), kTolerance) == "its last line has no line end");
  CHECK(truncation(came(500, 0, false), announced(std::nullopt), kTolerance) == "its last line has no line end");
  CHECK(truncation(came(500, 0, false), announced(500, ""), kTolerance) == "its last line has no line end");
  CHECK_FALSE(truncation(came(500), announced(std::nullopt), kTolerance));
}

TEST_CASE("by hand nothing is announced, and any text will do") {
  CHECK_FALSE(truncation(came(5, 0, false), announced(std::nullopt, ""), kTolerance));
  CHECK_FALSE(truncation(came(0), announced(std::nullopt, ""), kTolerance));
}

TEST_CASE("an empty content is complete when nothing was announced to be in it") {
  CHECK_FALSE(truncation(came(0), announced(0), kTolerance));
  CHECK(truncation(came(0), announced(1000), kTolerance));
}

}  // namespace
}  // namespace relaypipe
