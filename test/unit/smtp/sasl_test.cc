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

TEST_CASE("only a mechanism that defines an initial response gets one") {
  const Names usable{"CRAM-MD5", "PLAIN", "LOGIN"};
  CHECK(has_initial_response(Names{"LOGIN", "PLAIN"}, usable));
  CHECK(has_initial_response(Names{"XOAUTH2"}, Names{"OAUTHBEARER", "XOAUTH2"}));
  CHECK(has_initial_response(Names{}, usable));
  CHECK_FALSE(has_initial_response(Names{"LOGIN"}, usable));
  CHECK_FALSE(has_initial_response(Names{"SCRAM-SHA-256", "LOGIN"}, usable));
  CHECK_FALSE(has_initial_response(Names{"PLAIN", "LOGIN"}, Names{"LOGIN"}));
  // Either of these may be left aside for want of a ticket or a certificate, and then it is LOGIN after all.
  CHECK_FALSE(has_initial_response(Names{"GSSAPI", "EXTERNAL", "LOGIN"}, Names{"EXTERNAL", "GSSAPI", "LOGIN"}));
}

TEST_CASE("the challenges of LOGIN are answered in their order, but not against their words") {
  // Username:, User Name NUL, username in lower-case base64 (no text at all), an empty one, and one that is no base64.
  const std::string first =
      GENERATE("VXNlcm5hbWU6", "VXNlciBOYW1lAA==", "vxnlcm5hbwu6", "", "Username:", "QmVudXR6ZXI=");
  CHECK_FALSE(login_challenge_fault(0, first));
  // Password:, Password NUL, PASSWORD, something in another language, and nothing.
  const std::string second = GENERATE("UGFzc3dvcmQ6", "UGFzc3dvcmQA", "UEFTU1dPUkQ=", "S2VubndvcnQ6", "", "Password:");
  CHECK_FALSE(login_challenge_fault(1, second));
  CHECK(login_challenge_fault(0, second).has_value() == (second != "S2VubndvcnQ6" && !second.empty()));
  CHECK(login_challenge_fault(1, "VXNlcm5hbWU6"));
  CHECK(login_challenge_fault(1, "VXNlciBOYW1lAA=="));
  CHECK(login_challenge_fault(1, "Username:"));
}

TEST_CASE("why there was no AUTH") {
  CHECK(no_common_mechanism({}, Names{"PLAIN"}) == "AUTH is not offered");
  CHECK(no_common_mechanism(Names{"SCRAM-SHA-256", "GSSAPI"}, Names{"PLAIN", "LOGIN"}) ==
        "it offers SCRAM-SHA-256 GSSAPI; we may use PLAIN LOGIN, and cannot do SCRAM: let the relay offer PLAIN inside "
        "TLS "
        "too");
  CHECK(no_common_mechanism(Names{"GSSAPI"}, Names{"PLAIN"}) == "it offers GSSAPI; we may use PLAIN");
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
