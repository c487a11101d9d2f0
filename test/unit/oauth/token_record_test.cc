#include "oauth/token_record.h"

#include <fmt/format.h>

#include <string>

#include "catch.h"
#include "oauth/renewal.h"

namespace relaypipe {
namespace {

using namespace std::chrono_literals;

const TokenTime kNow(1'800'000'000s);

Secret secret(std::string text) { return Secret(text); }

TokenRecord full() {
  TokenRecord record;
  record.access_token = secret("at=1=");
  record.obtained = kNow;
  record.ends = kNow + 1h;
  record.refresh_token = secret("rt.1");
  record.refresh_obtained = kNow - 5h;
  record.refresh_ends = kNow + 99h;
  record.scope = "a b";
  record.account = 0xFEDCBA9876543210U;
  record.given = 7;
  record.after_refusal = true;
  record.failed = kNow - 1s;
  record.failure = "says invalid_grant";
  record.failed_given = 9;
  return record;
}

TokenRecord living(std::chrono::seconds lifetime) {
  TokenRecord record;
  record.access_token = secret("at");
  record.obtained = kNow;
  record.ends = kNow + lifetime;
  return record;
}

TEST_CASE("a record is read as it was written") {
  const TokenRecord before = full();
  const auto after = parse_token_record(write_token_record(before).reveal());
  REQUIRE(after);
  CHECK(after->access_token.reveal() == "at=1=");
  CHECK(after->obtained == before.obtained);
  CHECK(after->ends == before.ends);
  CHECK(after->refresh_token.reveal() == "rt.1");
  CHECK(after->refresh_obtained == before.refresh_obtained);
  CHECK(after->refresh_ends == before.refresh_ends);
  CHECK(after->scope == "a b");
  CHECK(after->account == before.account);
  CHECK(after->given == 7);
  CHECK(after->after_refusal);
  CHECK(after->failed == before.failed);
  CHECK(after->failure == before.failure);
  CHECK(after->failed_given == 9);
  CHECK(parse_token_record(write_token_record(TokenRecord()).reveal()));
}

TEST_CASE(
    "a file that was cut, changed, or written by another version counts as absent, and the reason shows nothing") {
  const std::string text(write_token_record(full()).reveal());
  for (std::size_t length = 0; length < text.size(); ++length) {
    CAPTURE(length);
    REQUIRE(!parse_token_record(text.substr(0, length)));
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    CAPTURE(at);
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 0x01);
    const auto parsed = parse_token_record(changed);
    REQUIRE(!parsed);
    CHECK(parsed.error().find("at=1") == std::string::npos);
  }
  CHECK(!parse_token_record(text + "x\n"));
  CHECK(!parse_token_record(std::string(3000, '\0')));
  CHECK(!parse_token_record("relaypipe token 2\n"));
  CHECK(!parse_token_record("\n"));
}

TEST_CASE("a line of another version makes the file unreadable, though its mark is right") {
  const auto with_line = [](const std::string& line) {
    std::string text(write_token_record(full()).reveal());
    text.resize(text.rfind("mark="));
    text += line + "\n";
    // FNV-1a of 64 bits
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (const char c : text)
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    return parse_token_record(fmt::format("{}mark={:016x}\n", text, hash));
  };
  CHECK(with_line("scope=other")->scope == "other");
  for (const char* line : {"colour=red", "scope", "", "after_refusal=2", "account=x", "ends=x", "ends=-1", "=1"}) {
    CAPTURE(line);
    const auto parsed = with_line(line);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error() == "has a line that means nothing here");
  }
}

TEST_CASE("a line break in a text cannot make a line of its own") {
  TokenRecord record = full();
  record.failure = "x\naccess_token=evil";
  const auto parsed = parse_token_record(write_token_record(record).reveal());
  REQUIRE(parsed);
  CHECK(parsed->access_token.reveal() == "at=1=");
}

TEST_CASE("a rotated refresh token replaces the old one, otherwise it stays") {
  GrantedToken granted;
  granted.access_token = secret("new");
  granted.lifetime = 60s;
  const TokenRecord same = renewed(full(), granted, kNow + 1h);
  CHECK(same.access_token.reveal() == "new");
  CHECK(same.ends == kNow + 1h + 60s);
  CHECK(same.refresh_token.reveal() == "rt.1");
  CHECK(same.refresh_obtained == kNow - 5h);
  CHECK(same.failure.empty());
  CHECK(same.failed == TokenTime());
  granted.refresh_token = secret("rt.2");
  const TokenRecord rotated = renewed(full(), granted, kNow + 1h);
  CHECK(rotated.refresh_token.reveal() == "rt.2");
  CHECK(rotated.refresh_obtained == kNow + 1h);
  CHECK(rotated.refresh_ends == TokenTime());
  granted.refresh_lifetime = 24h;
  CHECK(renewed(full(), granted, kNow).refresh_ends == kNow + 24h);
}

TEST_CASE("another endpoint, client, scope or grant is another account") {
  Oauth2Config config;
  config.token_endpoint = "https://a";
  config.client_id = "c";
  const std::uint64_t first = account_mark(config);
  CHECK(account_mark(config) == first);
  Oauth2Config other = config;
  other.token_endpoint = "https://b";
  CHECK(account_mark(other) != first);
  other = config;
  other.client_id = "d";
  CHECK(account_mark(other) != first);
  other = config;
  other.scope = "s";
  CHECK(account_mark(other) != first);
  other = config;
  other.grant = Oauth2Config::Grant::ClientCredentials;
  CHECK(account_mark(other) != first);
}

TEST_CASE("a token that lives an hour is renewed while it has at least ten minutes left") {
  const TokenRecord record = living(1h);
  CHECK(token_age(record, kNow) == TokenAge::Fresh);
  CHECK(token_age(record, kNow + 48min + 59s) == TokenAge::Fresh);
  CHECK(token_age(record, kNow + 49min) == TokenAge::Due);
  CHECK(token_age(record, kNow + 59min + 59s) == TokenAge::Due);
  CHECK(token_age(record, kNow + 1h) == TokenAge::Ended);
  CHECK(token_age(record, kNow + 10000h) == TokenAge::Ended);
}

TEST_CASE("a token that lives shortly is renewed at half its life") {
  CHECK(token_age(living(20min), kNow + 9min + 59s) == TokenAge::Fresh);
  CHECK(token_age(living(20min), kNow + 10min) == TokenAge::Due);
  CHECK(token_age(living(1s), kNow) == TokenAge::Fresh);
  CHECK(token_age(living(0s), kNow) == TokenAge::Ended);
}

TEST_CASE("no token, and a clock that went back") {
  TokenRecord none = living(1h);
  none.access_token = Secret();
  CHECK(token_age(none, kNow) == TokenAge::Ended);
  CHECK(token_age(living(1h), kNow - 60s) == TokenAge::Fresh);
  CHECK(token_age(living(1h), kNow - 61s) == TokenAge::Due);
  CHECK(token_age(living(1h), TokenTime()) == TokenAge::Due);
}

TEST_CASE("what is done about a token that is asked for") {
  TokenRecord record = living(1h);
  CHECK(next_step(record, kNow, false) == TokenStep::Use);
  CHECK(next_step(record, kNow, true) == TokenStep::Renew);
  CHECK(next_step(record, kNow + 55min, false) == TokenStep::Renew);
  CHECK(next_step(record, kNow + 2h, false) == TokenStep::Renew);
  record.failed = kNow + 55min;
  CHECK(next_step(record, kNow + 55min, false) == TokenStep::Use);
  CHECK(next_step(record, kNow + 55min, true) == TokenStep::Fail);
  record.failed = kNow + 2h;
  CHECK(next_step(record, kNow + 2h, false) == TokenStep::Fail);
  record.failed = {};
  record.after_refusal = true;
  CHECK(next_step(record, kNow, true) == TokenStep::Fail);
  CHECK(next_step(record, kNow, false) == TokenStep::Use);
}

TEST_CASE("after a failure there is a pause, but not in a time to come") {
  TokenRecord record = living(1h);
  CHECK(!pausing(record, kNow));
  record.failed = kNow;
  CHECK(pausing(record, kNow));
  CHECK(pausing(record, kNow + 29s));
  CHECK(!pausing(record, kNow + 30s));
  CHECK(!pausing(record, kNow - 1s));
}

TEST_CASE("the token that replaced a refused one is not replaced at once when it is refused too") {
  TokenRecord record = living(1h);
  CHECK(worth_replacing(record, kNow));
  record.after_refusal = true;
  CHECK(!worth_replacing(record, kNow));
  CHECK(!worth_replacing(record, kNow + 299s));
  CHECK(worth_replacing(record, kNow + 300s));
  CHECK(worth_replacing(record, kNow - 1s));
}

}  // namespace
}  // namespace relaypipe
