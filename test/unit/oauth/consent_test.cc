#include <string>

#include "catch.h"
#include "io/system/sha_digest.h"
#include "oauth/token_request.h"

namespace relaypipe {
namespace {

Secret secret(std::string text) { return Secret(text); }

Consent consent() { return {"http://127.0.0.1:1/", "st", secret("vv"), "cc"}; }

std::string code(std::string_view address) {
  const auto found = code_in(address, consent());
  return found ? std::string(found->reveal()) : "error: " + found.error();
}

TEST_CASE("the digest is that of RFC 7636 appendix B") {
  CHECK(sha256_base64url("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") ==
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
  CHECK(random_base64url(32).size() == 43);
  CHECK(random_base64url(32) != random_base64url(32));
}

TEST_CASE("the address to open") {
  Oauth2Config config;
  config.client_id = "c";
  config.scope = "https://m/ x";
  config.authorization_endpoint = "https://a.example/auth";
  CHECK(consent_url(config, consent()) ==
        "https://a.example/auth?response_type=code&client_id=c&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F&"
        "scope=https%3A%2F%2Fm%2F+x&state=st&code_challenge=cc&code_challenge_method=S256&access_type=offline&"
        "prompt=consent");
  config.authorization_endpoint = "https://a.example/auth?t=1";
  CHECK(consent_url(config, consent()).find("https://a.example/auth?t=1&response_type=code&") == 0);
  CHECK(code_request(config, secret("s"), secret("4/0"), consent()).reveal() ==
        "grant_type=authorization_code&code=4%2F0&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2F&code_verifier=vv&"
        "client_id=c&client_secret=s");
}

TEST_CASE("the code in what the browser ended at") {
  CHECK(code("http://127.0.0.1:1/?state=st&code=4%2F0AX-x&scope=y") == "4/0AX-x");
  CHECK(code("http://127.0.0.1:1/?code=a+b&state=st#frag") == "a b");
  CHECK(code(" http://127.0.0.1:1/?code=a%&state=st \r") == "a%");
  CHECK(code("http://127.0.0.1:1/?code=%5b%5D%41&state=st") == "[]A");
  CHECK(code("http://127.0.0.1:1/?code=%zz%4g%g4&state=st") == "%zz%4g%g4");  // no hexadecimal digits: as they are
  CHECK(code("http://127.0.0.1:1/?state=st&code=%4") == "%4");
  CHECK(code("http://127.0.0.1:1/?code=a&state=other").find("another try") != std::string::npos);
  CHECK(code("http://127.0.0.1:1/?code=a").find("another try") != std::string::npos);
  CHECK(code("http://127.0.0.1:1/?error=access_denied&state=st") == "error: the browser brings back: access_denied");
  for (const char* nothing : {"", "4/0AX", "http://127.0.0.1:1/", "?", "?code=&state=st", "?xcode=a&state=st"}) {
    CAPTURE(nothing);
    CHECK(code(nothing).find("not the address") != std::string::npos);
  }
}

}  // namespace
}  // namespace relaypipe
