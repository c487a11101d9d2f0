#include "http/access_key.h"

#include <string>

#include "catch.h"
#include "io/base/json_reader.h"

namespace relaypipe {
namespace {

std::string read(std::string_view text) {
  const auto key = parse_access_key(text, read_json);
  if (!key) return "error: " + key.error();
  return key->id + "|" + std::string(key->secret.reveal()) + "|" + std::string(key->session_token.reveal());
}

TEST_CASE("the forms of an access key") {
  CHECK(read("AWS_ACCESS_KEY_ID=A\nAWS_SECRET_ACCESS_KEY=b/c+=\n") == "A|b/c+=|");
  CHECK(read("# a role\n\n export "
             "AWS_ACCESS_KEY_ID=\"A\"\r\nAWS_REGION=x\nAWS_SECRET_ACCESS_KEY='b'\r\nAWS_SESSION_TOKEN=c==") ==
        "A|b|c==");
  CHECK(read("[default]\naws_access_key_id = A\naws_secret_access_key = b\naws_session_token = c\n") == "A|b|c");
  CHECK(read(R"({"Version":1,"AccessKeyId":"A","SecretAccessKey":"b\/c","SessionToken":"t"})") == "A|b/c|t");
  CHECK(read(R"({"Credentials": {"AccessKeyId":"A","SecretAccessKey":"b","SessionToken":"t"}})") == "A|b|t");
  CHECK(read(R"({"Code":"Success","AccessKeyId":"A","SecretAccessKey":"b","Token":"t"})") == "A|b|t");
}

TEST_CASE("what is no access key, and its error has none of it") {
  const std::string none = "error: holds no access key";
  CHECK(read("").starts_with(none));
  CHECK(read("secretAlone\n").starts_with(none));
  CHECK(read("AWS_ACCESS_KEY_ID=A\n").starts_with(none));
  CHECK(read(R"({"AccessKeyId":"A"})").starts_with(none));
  CHECK(read("AWS_ACCESS_KEY_ID=A\nAWS_SECRET_ACCESS_KEY=b\nAWS_ACCESS_KEY_ID=C")
            .starts_with("error: holds more than one"));
  CHECK(read("AWS_ACCESS_KEY_ID=A\nAWS_SECRET_ACCESS_KEY=\n").starts_with("error: holds an access key with an empty"));
  CHECK(
      read("AWS_ACCESS_KEY_ID=A\nAWS_SECRET_ACCESS_KEY=a b\n").starts_with("error: holds an access key with an empty"));
}

}  // namespace
}  // namespace relaypipe
