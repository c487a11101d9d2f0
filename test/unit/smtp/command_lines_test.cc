#include "smtp/command_lines.h"

#include <string>

#include "catch.h"

namespace relaypipe {
namespace {

TEST_CASE("a line stays the next one until it is taken") {
  CommandLines lines;
  CHECK_FALSE(lines.next());
  lines.append("a\r\nb\n\nrest");
  CHECK(lines.next()->text == "a\r");
  CHECK(lines.next()->text == "a\r");
  lines.take();
  CHECK(lines.next()->text == "b");
  lines.take();
  CHECK(lines.next()->text.empty());
  lines.take();
  CHECK_FALSE(lines.next());
  CHECK(lines.rest() == "rest");
  lines.take(2);
  lines.append("!\n");
  CHECK(lines.next()->text == "st!");
  lines.drop();
  CHECK_FALSE(lines.next());
  CHECK(lines.rest().empty());
}

TEST_CASE("of a line that is too long only the beginning is kept, in one piece or in many") {
  const std::string tail = GENERATE(std::string("x"), std::string(100000, 'x'));
  const std::string line = "MAIL " + std::string(kCommandLineOctets - 5, 'x') + tail;
  const std::size_t piece = GENERATE(1000U, 1U << 20U);
  CommandLines lines;
  for (std::size_t i = 0; i < line.size(); i += piece) {
    lines.append(line.substr(i, piece));
    CHECK_FALSE(lines.next());
    CHECK(lines.rest().size() <= kCommandLineOctets);
  }
  lines.append("\nb\n");
  for (int again = 0; again < 2; ++again) {
    REQUIRE(lines.next());
    CHECK(lines.next()->overlong);
    CHECK(lines.next()->text.starts_with("MAIL xxx"));
    CHECK(lines.next()->text.size() < 100);
  }
  lines.take();
  CHECK(lines.next()->text == "b");
  CHECK_FALSE(lines.next()->overlong);
}

}  // namespace
}  // namespace relaypipe
