#include "oauth/token_answer.h"

#include <initializer_list>
#include <string>
#include <utility>

#include "catch.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;
using Kind = EndpointTrouble::Kind;
using Pairs = std::initializer_list<std::pair<const char*, std::string>>;

AnswerFields object(Pairs pairs) {
  AnswerFields fields;
  for (auto [name, value] : pairs)
    fields.push_back({name, Secret(value)});
  return fields;
}

Result<GrantedToken, EndpointTrouble> judge(int status, Pairs pairs) {
  return judge_token_answer(status, object(pairs), {});
}

TEST_CASE("a token is taken with what is said about it") {
  const auto granted = judge(200, {{"access_token", "at.1"},
                                   {"token_type", "bearer"},
                                   {"expires_in", "3599"},
                                   {"refresh_token", "rt.1"},
                                   {"scope", "a b"}});
  REQUIRE(granted);
  CHECK(granted->access_token.reveal() == "at.1");
  CHECK(granted->refresh_token.reveal() == "rt.1");
  CHECK(granted->lifetime == 3599s);
  CHECK(granted->scope == "a b");
}

TEST_CASE("what may be missing") {
  const auto granted = judge(200, {{"access_token", "at"}});
  REQUIRE(granted);
  CHECK(granted->lifetime == kAssumedLifetime);
  CHECK(granted->refresh_token.empty());
}

TEST_CASE("a lifetime as a fraction, and one beyond all reason") {
  CHECK(judge(200, {{"access_token", "at"}, {"expires_in", "60.9"}})->lifetime == 60s);
  CHECK(judge(200, {{"access_token", "at"}, {"expires_in", "9000000000000"}})->lifetime == 10L * 365 * 24h);
}

TEST_CASE("how long the refresh token lives, where somebody says so") {
  CHECK(!judge(200, {{"access_token", "at"}})->refresh_lifetime);
  CHECK(judge(200, {{"access_token", "at"}, {"refresh_token_expires_in", "604799"}})->refresh_lifetime == 604799s);
  CHECK(judge(200, {{"access_token", "at"}, {"refresh_expires_in", "1800"}})->refresh_lifetime == 1800s);
  CHECK(!judge(200, {{"access_token", "at"}, {"refresh_expires_in", "0"}})->refresh_lifetime);
}

TEST_CASE("answers that are no token") {
  struct Row {
    int status;
    AnswerFields fields;
    Kind kind;
    const char* text;
  };
  const Row rows[] = {
      {200, object({{"token_type", "Bearer"}}), Kind::ProtocolError, "answers without an access_token"},
      {200, object({{"access_token", "a b"}}), Kind::ProtocolError, "answers with an access_token that cannot be used"},
      {200,
       object({{"access_token",
                "a\x01"
                "auth=x"}}),
       Kind::ProtocolError, "answers with an access_token that cannot be used"},
      {200, object({{"access_token", std::string(20000, 'a')}}), Kind::ProtocolError,
       "answers with an access_token that cannot be used"},
      {200, object({{"access_token", "a"}, {"refresh_token", "a\nb"}}), Kind::ProtocolError,
       "answers with a refresh_token that cannot be used"},
      {200, object({{"access_token", "a"}, {"token_type", "mac"}}), Kind::ProtocolError,
       "gives a token of type mac instead of Bearer"},
      {200, object({{"access_token", "a"}, {"expires_in", "soon"}}), Kind::ProtocolError,
       "answers with an expires_in that is not a number of seconds"},
      {200, object({{"access_token", "a"}, {"expires_in", "-1"}}), Kind::ProtocolError,
       "answers with an expires_in that is not a number of seconds"},
      {200, object({{"access_token", "a"}, {"error", "invalid_scope"}}), Kind::Refused, "says invalid_scope"},
      {400, object({{"error", "invalid_grant"}, {"error_description", "expired\nlong ago"}}), Kind::Refused,
       "says invalid_grant (expired long ago)"},
      {401, object({{"error", "invalid_client"}}), Kind::Refused, "says invalid_client"},
      {404, object({}), Kind::Refused, "answers with HTTP status 404"},
      {302, object({}), Kind::ProtocolError, "answers with HTTP status 302"},
      {400, object({{"error", "authorization_pending"}}), Kind::Pending, "says authorization_pending"},
      {400, object({{"error", "slow_down"}}), Kind::SlowDown, "says slow_down"},
      {400, object({{"error", "temporarily_unavailable"}}), Kind::Passing, "says temporarily_unavailable"},
      {429, object({}), Kind::Passing, "answers with HTTP status 429"},
      {503, object({}), Kind::Passing, "answers with HTTP status 503"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.status, row.text);
    AnswerFields fields;
    for (const AnswerField& field : row.fields)
      fields.push_back({field.name, field.value.clone()});
    const auto classified = judge_token_answer(row.status, std::move(fields), {});
    REQUIRE(!classified);
    CHECK(classified.error().kind == row.kind);
    CHECK(classified.error().text == row.text);
  }
  const auto no_json = judge_token_answer(200, std::nullopt, {});
  REQUIRE(!no_json);
  CHECK(no_json.error().text == "answers something that is not a JSON object");
  CHECK(judge_token_answer(502, std::nullopt, {}).error().kind == Kind::Passing);
}

TEST_CASE("what was sent does not come back in an error text, as it is or encoded") {
  const std::string_view sent[] = {"s3cret/+", "abc"};
  const auto classified = judge_token_answer(
      400, object({{"error", "bad s3cret/+"}, {"error_description", "s3cret%2F%2B s3cret/+ s3cret/+ abc"}}), sent);
  REQUIRE(!classified);
  CHECK(classified.error().text == "says bad ******** (******** ******** ******** abc)");
  CHECK(classified.error().code == "bad ********");
}

TEST_CASE("an endless description is cut") {
  const auto classified = judge(400, {{"error", "e"}, {"error_description", std::string(5000, 'x')}});
  REQUIRE(!classified);
  CHECK(classified.error().text.size() < 300);
}

TEST_CASE("a device code, in the RFC's names and in Google's") {
  const auto code = judge_device_answer(200,
                                        object({{"device_code", "d"},
                                                {"user_code", "AB-CD"},
                                                {"verification_uri", "https://x.example/device"},
                                                {"verification_uri_complete", "https://x.example/device?c=AB-CD"},
                                                {"expires_in", "900"},
                                                {"interval", "2"}}),
                                        {});
  REQUIRE(code);
  CHECK(code->device_code.reveal() == "d");
  CHECK(code->user_code == "AB-CD");
  CHECK(code->verification_uri == "https://x.example/device");
  CHECK(code->complete_uri == "https://x.example/device?c=AB-CD");
  CHECK(code->lifetime == 900s);
  CHECK(code->interval == 2s);
  const auto google = judge_device_answer(
      200,
      object({{"device_code", "d"}, {"user_code", "u"}, {"verification_url", "https://g"}, {"expires_in", "1800"}}),
      {});
  REQUIRE(google);
  CHECK(google->verification_uri == "https://g");
  CHECK(google->interval == 5s);
  CHECK(!judge_device_answer(200, object({{"device_code", "d"}, {"user_code", "u"}}), {}));
  const auto refused = judge_device_answer(400, object({{"error", "invalid_scope"}}), {});
  REQUIRE(!refused);
  CHECK(refused.error().text == "says invalid_scope");
}

}  // namespace
}  // namespace relaypipe
