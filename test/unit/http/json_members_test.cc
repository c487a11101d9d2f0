#include "http/json_members.h"

#include <string>

#include "catch.h"
#include "io/base/json_reader.h"

namespace relaypipe {
namespace {

TEST_CASE("a value that is asked for by its path") {
  const auto read = read_json(R"({"error":{"code":403,"errors":[{"reason":"rateLimitExceeded"}]},"error":"second"})");
  REQUIRE(read);
  CHECK(read->at("error.code") == "403");
  CHECK(read->at("error.errors.0.reason") == "rateLimitExceeded");
  CHECK(read->at("error.errors.1.reason").empty());
  CHECK(read->at("error") == "second");
  CHECK(JsonMembers().empty());
}

TEST_CASE("a text between quotation marks reads back") {
  const std::string text =
      GENERATE(values<std::string>({"plain@example.com", "\"odd \\\"quoted\"@x", "\u00e9", "\x01\x1F\x7F\t", ""}));
  const auto read = read_json("[\"" + json_escaped(text) + "\"]");
  REQUIRE(read);
  CHECK(read->at("0") == text);
}

}  // namespace
}  // namespace relaypipe
