// Amazon's published test suite for Signature Version 4 (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4), as far
// as requests like ours go: without odd paths, repeated fields or queries that are not normal.
#include "http/sigv4.h"

#include <string>
#include <vector>

#include "base/hex.h"
#include "base/hmac.h"
#include "catch.h"
#include "io/system/sha_digest.h"

namespace relaypipe {
namespace {

constexpr std::string_view kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr std::string_view kParameter = "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e";
constexpr std::string_view kSessionToken =
    "AQoDYXdzEPT//////////"
    "wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7"
    "mSEI/qkPpKPi/"
    "kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d"
    "+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

struct Row {
  std::string name;
  std::string method;
  std::string target;
  std::vector<HttpField> more;
  std::string_view digest;
  std::string names;
  std::string signature;
};

TEST_CASE("the published vectors") {
  const Row row = GENERATE(values<Row>({
      {"get-vanilla",
       "GET",
       "/",
       {},
       kEmpty,
       "host;x-amz-date",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {"get-vanilla-query-order-key-case",
       "GET",
       "/?Param2=value2&Param1=value1",
       {},
       kEmpty,
       "host;x-amz-date",
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-vanilla-with-session-token",
       "GET",
       "/",
       {{"x-amz-security-token", "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"}},
       kEmpty,
       "host;x-amz-date;x-amz-security-token",
       "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
      {"post-vanilla",
       "POST",
       "/",
       {},
       kEmpty,
       "host;x-amz-date",
       "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
      {"post-header-key-sort",
       "POST",
       "/",
       {{"my-header1", "value1"}},
       kEmpty,
       "host;my-header1;x-amz-date",
       "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
      {"post-header-value-case",
       "POST",
       "/",
       {{"my-header1", "VALUE1"}},
       kEmpty,
       "host;my-header1;x-amz-date",
       "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
      {"post-sts-header-before",
       "POST",
       "/",
       {{"x-amz-security-token", std::string(kSessionToken)}},
       kEmpty,
       "host;x-amz-date;x-amz-security-token",
       "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
      {"post-x-www-form-urlencoded",
       "POST",
       "/",
       {{"content-type", "application/x-www-form-urlencoded"},
        {"content-length", "13"},
        {"x-amz-content-sha256", std::string(kParameter)}},
       kParameter,
       "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
       "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"},
      {"post-x-www-form-urlencoded-parameters",
       "POST",
       "/",
       {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
        {"content-length", "13"},
        {"x-amz-content-sha256", std::string(kParameter)}},
       kParameter,
       "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
       "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422"},
  }));
  // 2015-08-30T12:36:00Z
  const WallTime now{std::chrono::seconds(1440938160)};
  SigV4Request request{
      row.method, row.target, {{"host", "example.amazonaws.com"}, {"x-amz-date", sigv4_time(now)}}, row.digest};
  request.fields.insert(request.fields.end(), row.more.begin(), row.more.end());
  INFO(row.name);
  CHECK(sigv4_authorization(request, {"us-east-1", "service", now}, "AKIDEXAMPLE",
                            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", make_sha256) ==
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" + row.names +
            ", Signature=" + row.signature);
}

TEST_CASE("the time as Amazon writes it") {
  CHECK(sigv4_time(WallTime{}) == "19700101T000000Z");
  CHECK(sigv4_time(WallTime{std::chrono::seconds(1709164800) + std::chrono::milliseconds(999)}) == "20240229T000000Z");
  CHECK(sigv4_time(WallTime{std::chrono::seconds(1440938160)}) == "20150830T123600Z");
}

/// RFC 4231, test cases 1, 2, 6 and 7.
TEST_CASE("HMAC-SHA256") {
  struct Vector {
    std::string key;
    std::string text;
    std::string digest;
  };
  const Vector row = GENERATE(values<Vector>({
      {std::string(20, '\x0b'), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {std::string(131, '\xaa'),
       "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be "
       "hashed "
       "before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  }));
  CHECK(hex_text(hmac_sha256(make_sha256, row.key, row.text)) == row.digest);
}

TEST_CASE("a digest of pieces is that of the whole") {
  const auto digest = make_sha256();
  digest->update("a");
  digest->update("");
  digest->update("bc");
  CHECK(hex_text(digest->finish()) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex_text(sha256(make_sha256, "")) == kEmpty);
}

}  // namespace
}  // namespace relaypipe
