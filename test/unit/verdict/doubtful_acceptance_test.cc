#include "verdict/doubtful_acceptance.h"

#include <string>

#include "catch.h"

namespace relaypipe {
namespace {

bool doubtful(std::string_view provider, const std::string& text) {
  ReplyParser parser;
  parser.feed(text + "\r\n");
  return doubtful_acceptance(provider, *parser.take()).has_value();
}

TEST_CASE("an acceptance that may be none") {
  CHECK(doubtful("cloudflare", "250 2.0.0 Ok"));
  CHECK_FALSE(doubtful("cloudflare", "250 2.0.0 Ok <jZTWt0pQO4p2LG7@example.com>"));
  CHECK_FALSE(doubtful("", "250 2.0.0 Ok"));
  CHECK(doubtful("oci", "254 4.7.1 Suppression for user ocid1.user to a@example.com"));
  CHECK_FALSE(doubtful("oci", "250 Ok"));
}

}  // namespace
}  // namespace relaypipe
