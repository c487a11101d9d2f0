#include "smtp/sasl.h"

#include <string>
#include <string_view>
#include <vector>

#include "catch.h"

namespace relaypipe {
namespace {

using Names = std::vector<std::string>;

TEST_CASE("a password and a token have mechanisms of their own, the strongest first") {
  CHECK(mechanisms_for(false, {}) == Names{"CRAM-MD5", "PLAIN", "LOGIN"});
  CHECK(mechanisms_for(true, {}) == Names{"OAUTHBEARER", "XOAUTH2"});
}

TEST_CASE("auth_mechanisms restricts, and is the only way to the doubtful ones") {
  CHECK(mechanisms_for(false, Names{"LOGIN", "PLAIN", "XOAUTH2"}) == Names{"PLAIN", "LOGIN"});
  CHECK(mechanisms_for(true, Names{"LOGIN", "PLAIN", "XOAUTH2"}) == Names{"XOAUTH2"});
  CHECK(mechanisms_for(false, Names{"LOGIN", "NTLM", "GSSAPI", "DIGEST-MD5", "EXTERNAL"}) ==
        Names{"EXTERNAL", "GSSAPI", "DIGEST-MD5", "NTLM", "LOGIN"});
  CHECK(mechanisms_for(true, Names{"PLAIN"}).empty());
  CHECK(mechanisms_for(false, Names{"XOAUTH2"}).empty());
}

TEST_CASE("why there was no AUTH") {
  CHECK(no_common_mechanism({}, Names{"PLAIN"}) == "AUTH is not offered");
  CHECK(no_common_mechanism(Names{"SCRAM-SHA-256", "GSSAPI"}, Names{"PLAIN", "LOGIN"}) ==
        "it offers SCRAM-SHA-256 GSSAPI; we may use PLAIN LOGIN");
}

TEST_CASE("a challenge is shown as the text it holds") {
  CHECK(challenge_text("eyJzdGF0dXMiOiI0MDEifQ==") == R"({"status":"401"})");
  CHECK(challenge_text("eyJzdGF0dXMiOiI0MDEifQ") == R"({"status":"401"})");
  CHECK(challenge_text("") == "");
  CHECK(challenge_text("not base64") == "not base64");
  const std::string long_one(2000, 'A');
  CHECK(challenge_text(long_one).size() <= 200);
}

TEST_CASE("what a relay repeats of our secrets is not shown") {
  const std::vector<std::string_view> secrets{"hunter22", "AGEAaHVudGVyMjI=", "abc"};
  CHECK(redacted("535 5.7.8 hunter22 is wrong, hunter22!\r\n", secrets) ==
        "535 5.7.8 ******** is wrong, ********!\r\n");
  CHECK(redacted("501 cannot decode AGEAaHVudGVyMjI=\r\n", secrets) == "501 cannot decode ********\r\n");
  CHECK(redacted("250 abc\r\n", secrets) == "250 abc\r\n");
  CHECK(redacted("", secrets).empty());
}

}  // namespace
}  // namespace relaypipe
