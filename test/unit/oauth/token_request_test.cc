#include "oauth/token_request.h"

#include <string>

#include "catch.h"

namespace relaypipe {
namespace {

Secret secret(std::string text) { return Secret(text); }

Oauth2Config config() {
  Oauth2Config config;
  config.client_id = "client 1";
  config.scope = "https://mail.example/ a";
  return config;
}

TEST_CASE("form encoding leaves nothing that means something in a form") {
  CHECK(form_encoded("aZ09-._*") == "aZ09-._*");
  CHECK(form_encoded("a b&c=d+e%f") == "a+b%26c%3Dd%2Be%25f");
  CHECK(form_encoded(std::string_view("\0\xff\n", 3)) == "%00%FF%0A");
  CHECK(form_encoded({{"a", "1"}, {"b c", ""}}).reveal() == "a=1&b+c=");
}

TEST_CASE("the grants are asked for in the words of their RFCs") {
  const Secret none;
  const Secret client = secret("c&s");
  CHECK(refresh_request(config(), client, secret("r/t")).reveal() ==
        "grant_type=refresh_token&refresh_token=r%2Ft&scope=https%3A%2F%2Fmail.example%2F+a&client_id=client+1&"
        "client_secret=c%26s");
  CHECK(client_credentials_request(config(), client).reveal() ==
        "grant_type=client_credentials&scope=https%3A%2F%2Fmail.example%2F+a&client_id=client+1&client_secret=c%26s");
  CHECK(device_request(config(), none).reveal() == "scope=https%3A%2F%2Fmail.example%2F+a&client_id=client+1");
  CHECK(device_token_request(config(), none, secret("d")).reveal() ==
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=d&client_id=client+1");
}

TEST_CASE("a scope that is not set is not sent, nor is the secret of a public client") {
  Oauth2Config bare;
  bare.client_id = "c";
  CHECK(refresh_request(bare, Secret(), secret("r")).reveal() ==
        "grant_type=refresh_token&refresh_token=r&client_id=c");
}

}  // namespace
}  // namespace relaypipe
