#include "base/base64.h"

#include <string>

#include "base/percent.h"
#include "catch.h"

namespace relaypipe {
namespace {

/// RFC 4648 section 10, and octets beyond ASCII.
TEST_CASE("base64") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  CHECK(base64("fooba") == "Zm9vYmE=");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64(std::string("\xFB\xFF\xFE\x00", 4)) == "+//+AA==");
}

TEST_CASE("a part of a URL") {
  CHECK(percent_encoded("aZ09-._~") == "aZ09-._~");
  CHECK(percent_encoded("a+b@example.com/?#%") == "a%2Bb%40example.com%2F%3F%23%25");
  CHECK(percent_encoded("\xC3\xA9 ") == "%C3%A9%20");
}

}  // namespace
}  // namespace relaypipe
